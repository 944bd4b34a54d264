/* A token is three base64url texts, and the signature covers the first two as they stand:
 *
 *     eyJhbGciOi…  .  eyJzdWIiOi…  .  uwdOvTPJUh… (43 characters)
 *     header          payload         HMAC-SHA-256(secret, header "." payload)
 *
 * Since the algorithm is known before a token is seen, the signature is computed and compared
 * first. So whatever base64 or JSON is decoded here was written by somebody who has the secret,
 * and a stranger reaches nothing but a hash and a comparison. That there are exactly three parts
 * needs no counting: the signature's length is fixed, and base64url has no dots.
 *
 * Each request with a token comes through here, so the HMAC keeps its key: OpenSSL hashes the
 * two padded key blocks once, in jwt_key_new, and EVP_MAC_init without a key goes back to that
 * state. Our own header is recognised by its text. */
#include "auth/jwt_internal.h"

#include "base/hex.h"
#include "json/json.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum {
    SIGNATURE_BYTES = 32,
    SIGNATURE_TEXT = 43,
    PAYLOAD_MAX = JWT_TOKEN_MAX / 4 * 3,
    TEN_YEARS_S = 3650 * 24 * 60 * 60,
};

/* {"alg":"HS256","typ":"JWT"} */
static const str HEADER = STR_INIT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");

const struct error JWT_UNAUTHORIZED = { .status = 401,
                                        .form = ERROR_UNNAMED,
                                        .message = "Unauthorized" };

struct jwt_key {
    EVP_MAC_CTX *hmac;
};

static EVP_MAC_CTX *hmac_new(str secret)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *hmac = EVP_MAC_CTX_new(mac);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){ "SHA256" }, 0),
        OSSL_PARAM_construct_end(),
    };

    EVP_MAC_free(mac); /* the context holds on to it */
    if (hmac && EVP_MAC_init(hmac, (const uint8_t *)secret.at, secret.len, parameters))
        return hmac;
    EVP_MAC_CTX_free(hmac);
    return NULL;
}

error jwt_key_new(struct arena *arena, str secret, struct jwt_key **out)
{
    if (secret.len < JWT_SECRET_BYTES_MIN)
        return error_new(arena, 500, "The JWT secret has %zu bytes; it needs at least %d",
                         secret.len, JWT_SECRET_BYTES_MIN);

    struct jwt_key *key = ARENA_NEW(arena, struct jwt_key);

    if (!key)
        return &ERROR_OUT_OF_MEMORY;
    key->hmac = hmac_new(secret);
    if (!key->hmac)
        return error_new(arena, 500, "OpenSSL has no HMAC-SHA-256");
    *out = key;
    return NULL;
}

void jwt_key_free(struct jwt_key *key)
{
    if (key)
        EVP_MAC_CTX_free(key->hmac);
}

static bool sign(struct jwt_key *key, str text, uint8_t signature[SIGNATURE_BYTES])
{
    size_t len;

    return EVP_MAC_init(key->hmac, NULL, 0, NULL) &&
           EVP_MAC_update(key->hmac, (const uint8_t *)text.at, text.len) &&
           EVP_MAC_final(key->hmac, signature, &len, SIGNATURE_BYTES) && len == SIGNATURE_BYTES;
}

static void write_claims(const struct jwt_claims *claims, struct buf *out)
{
    BUF_ADD(out, "{\"sub\":");
    json_write_string(out, claims->sub);
    if (claims->email.at) {
        BUF_ADD(out, ",\"email\":");
        json_write_string(out, claims->email);
    }
    BUF_ADD(out, ",\"roles\":[");
    for (size_t i = 0; i < claims->roles.len; i++) {
        if (i)
            buf_add_char(out, ',');
        json_write_string(out, claims->roles.at[i]);
    }
    BUF_ADD(out, "],\"iat\":");
    buf_add_int(out, claims->iat);
    BUF_ADD(out, ",\"exp\":");
    buf_add_int(out, claims->exp);
    buf_add_char(out, '}');
}

static error sign_payload(struct jwt_key *key, struct arena *arena, str payload, str *out)
{
    size_t signed_len = HEADER.len + 1 + base64url_len(payload.len);
    size_t len = signed_len + 1 + SIGNATURE_TEXT;
    char *token = len <= JWT_TOKEN_MAX ? arena_alloc(arena, len) : NULL;
    uint8_t signature[SIGNATURE_BYTES];

    if (!token)
        return &ERROR_OUT_OF_MEMORY;
    memcpy(token, HEADER.at, HEADER.len);
    token[HEADER.len] = '.';
    base64url_encode((const uint8_t *)payload.at, payload.len, token + HEADER.len + 1);
    if (!sign(key, (str){ token, signed_len }, signature))
        return &ERROR_INTERNAL;
    token[signed_len] = '.';
    base64url_encode(signature, SIGNATURE_BYTES, token + signed_len + 1);
    *out = (str){ token, len };
    return NULL;
}

error jwt_sign(struct jwt_key *key, struct arena *arena, const struct jwt_claims *claims, str *out)
{
    struct buf payload = buf_new(PAYLOAD_MAX);

    write_claims(claims, &payload);

    error failed = buf_failed(&payload) ? &ERROR_OUT_OF_MEMORY
                                        : sign_payload(key, arena, buf_text(&payload), out);

    buf_free(&payload);
    return failed;
}

/* Compares in constant time; what is before the last dot has been signed as it stands. */
static bool signature_fits(struct jwt_key *key, str signed_text, str signature_text)
{
    uint8_t given[SIGNATURE_TEXT / 4 * 3 + 2], right[SIGNATURE_BYTES];
    size_t len;

    return base64url_decode(signature_text, given, &len) && len == SIGNATURE_BYTES &&
           sign(key, signed_text, right) && CRYPTO_memcmp(given, right, SIGNATURE_BYTES) == 0;
}

static error decode(struct arena *arena, str text, str *out)
{
    uint8_t *bytes = arena_alloc(arena, text.len / 4 * 3 + 2);
    size_t len;

    if (!bytes)
        return &ERROR_OUT_OF_MEMORY;
    if (!base64url_decode(text, bytes, &len))
        return &JWT_UNAUTHORIZED;
    *out = (str){ (const char *)bytes, len };
    return NULL;
}

/* What is not an object has no members and will be refused for want of them. */
static error read_json(struct arena *arena, str text, const struct json **out)
{
    error failed = str_is_utf8(text) ? json_parse(arena, text, out) : &JWT_UNAUTHORIZED;

    return failed && failed != &ERROR_OUT_OF_MEMORY ? &JWT_UNAUTHORIZED : failed;
}

static error check_header(struct arena *arena, str encoded)
{
    const struct json *header, *algorithm;
    str text;

    if (str_eq(encoded, HEADER))
        return NULL;
    TRY(decode(arena, encoded, &text));
    TRY(read_json(arena, text, &header));
    algorithm = json_member(header, STR("alg"));
    if (!algorithm || algorithm->type != JSON_STRING || !str_is(algorithm->text, "HS256"))
        return &JWT_UNAUTHORIZED;
    return json_member(header, STR("crit")) ? &JWT_UNAUTHORIZED : NULL;
}

error jwt_payload(struct jwt_key *key, struct arena *arena, str token, str *out)
{
    if (token.len > JWT_TOKEN_MAX || token.len <= SIGNATURE_TEXT + 1)
        return &JWT_UNAUTHORIZED;

    size_t end = token.len - SIGNATURE_TEXT - 1;
    str signed_text = { token.at, end }, signature = str_slice(token, end + 1, SIGNATURE_TEXT);
    size_t dot = str_find(signed_text, '.');

    if (token.at[end] != '.' || dot == end || !signature_fits(key, signed_text, signature))
        return &JWT_UNAUTHORIZED;
    TRY(check_header(arena, str_slice(token, 0, dot)));
    return decode(arena, str_slice(signed_text, dot + 1, end), out);
}

static bool is_number(const struct json *value)
{
    return value && value->type == JSON_NUMBER;
}

static bool is_in_force(const struct json *payload, timestamp now)
{
    const struct json *exp = json_member(payload, STR("exp"));
    const struct json *nbf = json_member(payload, STR("nbf"));
    double now_s = (double)(now.ms / 1000);

    return is_number(exp) && json_number(exp) > now_s &&
           (!nbf || (is_number(nbf) && json_number(nbf) <= now_s));
}

/* Cut off at the decimal point and, beyond 64 bits, to the nearest that fits. */
static int64_t whole_seconds(const struct json *value)
{
    double seconds = is_number(value) ? json_number(value) : 0;

    if (seconds >= 0x1p63)
        return INT64_MAX;
    return seconds <= -0x1p63 ? INT64_MIN : (int64_t)seconds;
}

static error read_roles(struct arena *arena, const struct json *value, strs *out)
{
    size_t len = 0;

    *out = (strs){ 0 };
    if (!value)
        return NULL;
    if (value->type != JSON_ARRAY)
        return &JWT_UNAUTHORIZED;

    str *roles = ARENA_ARRAY(arena, str, value->count);

    if (!roles)
        return &ERROR_OUT_OF_MEMORY;
    for (const struct json *role = value->first; role; role = role->next) {
        if (role->type != JSON_STRING)
            return &JWT_UNAUTHORIZED;
        roles[len++] = role->text;
    }
    *out = (strs){ roles, len };
    return NULL;
}

static error read_claims(struct arena *arena, const struct json *payload, struct jwt_claims *out)
{
    const struct json *sub = json_member(payload, STR("sub"));
    const struct json *email = json_member(payload, STR("email"));
    struct jwt_claims claims = {
        .iat = whole_seconds(json_member(payload, STR("iat"))),
        .exp = whole_seconds(json_member(payload, STR("exp"))),
    };

    if (!sub || sub->type != JSON_STRING || (email && email->type != JSON_STRING))
        return &JWT_UNAUTHORIZED;
    claims.sub = sub->text;
    if (email)
        claims.email = email->text;
    TRY(read_roles(arena, json_member(payload, STR("roles")), &claims.roles));
    *out = claims;
    return NULL;
}

error jwt_verify(struct jwt_key *key, struct arena *arena, str token, timestamp now,
                 struct jwt_claims *out)
{
    const struct json *payload;
    str text;

    TRY(jwt_payload(key, arena, token, &text));
    TRY(read_json(arena, text, &payload));
    return is_in_force(payload, now) ? read_claims(arena, payload, out) : &JWT_UNAUTHORIZED;
}

/* Cuts the next word off the front of `*rest`; empty when there is none. */
static str next_word(str *rest)
{
    size_t start = 0, end;

    while (start < rest->len && (rest->at[start] == ' ' || rest->at[start] == '\t'))
        start++;
    for (end = start; end < rest->len && rest->at[end] != ' ' && rest->at[end] != '\t';)
        end++;

    str word = str_slice(*rest, start, end - start);

    *rest = str_slice(*rest, end, rest->len);
    return word;
}

str jwt_bearer(str authorization)
{
    str scheme = next_word(&authorization), token = next_word(&authorization);

    return str_eq_nocase(scheme, STR("bearer")) && token.len ? token : (str){ 0 };
}

static uint64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 60 * 60;
    case 'd': return 24 * 60 * 60;
    default: return 0;
    }
}

bool jwt_duration(str text, int64_t *seconds)
{
    uint64_t unit = text.len ? unit_seconds(text.at[text.len - 1]) : 0, count;
    str digits = unit ? str_slice(text, 0, text.len - 1) : text;

    if (!unit)
        unit = 1;
    if (!str_to_uint(digits, TEN_YEARS_S / unit, &count) || !count)
        return false;
    *seconds = (int64_t)(count * unit);
    return true;
}
