#include "auth/jwt_internal.h"

#include "base/hex.h"
#include "testing/test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define SECRET "a-test-secret-of-forty-characters-exactly"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"u1\",\"exp\":1700003600}"

enum { NOW_S = 1700000000, EXP_S = NOW_S + 3600, ARENA_TEST_MAX = 1024 * 1024 };

static const timestamp NOW = { NOW_S * INT64_C(1000) + 999 };

/* What a test works with. */
struct bench {
    struct arena *arena;
    struct jwt_key *key;
};

static int set_up(void **state)
{
    static struct bench bench;

    bench.arena = arena_new(ARENA_TEST_MAX);
    *state = &bench;
    return bench.arena && !jwt_key_new(bench.arena, STR(SECRET), &bench.key) ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    jwt_key_free(bench->key);
    arena_free(bench->arena);
    return 0;
}

static str encode(struct arena *arena, str text)
{
    char *at = arena_alloc(arena, base64url_len(text.len));

    base64url_encode((const uint8_t *)text.at, text.len, at);
    return (str){ at, base64url_len(text.len) };
}

/* A token by another implementation than the one tested. */
static str token_with(struct arena *arena, const EVP_MD *hash, str header, str payload)
{
    str front = arena_printf(arena, "%.*s.%.*s", STR_ARG(encode(arena, header)),
                             STR_ARG(encode(arena, payload)));
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len;

    HMAC(hash, SECRET, sizeof SECRET - 1, (const uint8_t *)front.at, front.len, mac, &len);
    return arena_printf(arena, "%.*s.%.*s", STR_ARG(front),
                        STR_ARG(encode(arena, (str){ (const char *)mac, len })));
}

static str token_of(struct arena *arena, const char *header, const char *payload)
{
    return token_with(arena, EVP_sha256(), str_of(header), str_of(payload));
}

static bool accepts(struct bench *bench, str token)
{
    struct jwt_claims claims = { .iat = -1 };
    error failed = jwt_verify(bench->key, bench->arena, token, NOW, &claims);

    if (failed) {
        assert_ptr_equal(failed, &JWT_UNAUTHORIZED);
        assert_int_equal(claims.iat, -1);
    }
    return !failed;
}

static void the_error_has_the_form_without_a_reason(void **state)
{
    (void)state;
    assert_int_equal(JWT_UNAUTHORIZED.status, 401);
    assert_int_equal(JWT_UNAUTHORIZED.form, ERROR_UNNAMED);
    assert_string_equal(JWT_UNAUTHORIZED.message, "Unauthorized");
}

/* jsonwebtoken 9: sign({ sub, email, roles, iat: NOW_S }, SECRET, { expiresIn: '1h' }). */
#define FULL_TEXT                                                                                \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                      \
    "eyJzdWIiOiIwMTkwYTNiMi03YzRkLTdlOGYtOWEwYi0xYzJkM2U0ZjVhNmIiLCJlbWFpbCI6ImFuYUBleGFtcGxlLm" \
    "NvbSIsInJvbGVzIjpbInVzZXIiLCJhZG1pbiJdLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0."     \
    "uwdOvTPJUhkDBu_mb8zW4owZYCupVI-u4mfuG4bbNPg"

static const str FULL = STR_INIT(FULL_TEXT);

/* The same for { sub: 'u1' }, without and with characters that need care. */
static const str MINIMAL =
    STR_INIT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
             "eyJzdWIiOiJ1MSIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ."
             "HTdrjLBi7srK83-YRQ8jK2mL0lRAFEhPpaQl12ES9ZM");
static const str UNICODE = STR_INIT(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJzdWIiOiJ1MSIsImVtYWlsIjoiyJl0ZWZhblwiXFxAZXhlbXBsdS5ybyIsInJvbGVzIjpbIsSD4oCoIl0sImlhdCI6M"
    "TcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ."
    "t8X1Cm9PCqTcooIUhv3E1IyFnujVymz9gBaym_Mfmdo");

static void a_token_of_jsonwebtoken_is_read(void **state)
{
    struct bench *bench = *state;
    struct jwt_claims claims;

    assert_null(jwt_verify(bench->key, bench->arena, FULL, NOW, &claims));
    assert_text(claims.sub, "0190a3b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b");
    assert_text(claims.email, "ana@example.com");
    assert_int_equal(claims.roles.len, 2);
    assert_text(claims.roles.at[0], "user");
    assert_text(claims.roles.at[1], "admin");
    assert_int_equal(claims.iat, NOW_S);
    assert_int_equal(claims.exp, EXP_S);
}

static void a_token_without_email_and_roles_is_read(void **state)
{
    struct bench *bench = *state;
    struct jwt_claims claims;

    assert_null(jwt_verify(bench->key, bench->arena, MINIMAL, NOW, &claims));
    assert_text(claims.sub, "u1");
    assert_null(claims.email.at);
    assert_int_equal(claims.roles.len, 0);
}

static void escaped_and_wide_characters_are_read(void **state)
{
    struct bench *bench = *state;
    struct jwt_claims claims;

    assert_null(jwt_verify(bench->key, bench->arena, UNICODE, NOW, &claims));
    assert_text(claims.email, "ștefan\"\\@exemplu.ro");
    assert_text(claims.roles.at[0], "ă\xE2\x80\xA8");
}

static void a_signed_token_is_the_one_jsonwebtoken_makes(void **state)
{
    struct bench *bench = *state;
    str roles[] = { STR("user"), STR("admin") }, wide[] = { STR("ă\xE2\x80\xA8") };
    struct jwt_claims claims = {
        .sub = STR("0190a3b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b"),
        .email = STR("ana@example.com"),
        .roles = { roles, 2 },
        .iat = NOW_S,
        .exp = EXP_S,
    };
    str token;

    assert_null(jwt_sign(bench->key, bench->arena, &claims, &token));
    assert_text(token, FULL.at);
    claims.sub = STR("u1");
    claims.email = STR("ștefan\"\\@exemplu.ro");
    claims.roles = (strs){ wide, 1 };
    assert_null(jwt_sign(bench->key, bench->arena, &claims, &token));
    assert_text(token, UNICODE.at);
}

static void a_signed_token_without_email_has_an_empty_list_of_roles(void **state)
{
    struct bench *bench = *state;
    struct jwt_claims claims = { .sub = STR("u1"), .iat = -1, .exp = EXP_S };
    str token, payload;

    assert_null(jwt_sign(bench->key, bench->arena, &claims, &token));
    assert_null(jwt_payload(bench->key, bench->arena, token, &payload));
    assert_text(payload, "{\"sub\":\"u1\",\"roles\":[],\"iat\":-1,\"exp\":1700003600}");
}

/* {"sub":"…","roles":[],"iat":0,"exp":1700003600} of 3011 bytes makes a token of 4096. */
static void claims_that_do_not_fit_make_no_token(void **state)
{
    struct bench *bench = *state;
    char sub[8 * JWT_TOKEN_MAX];
    struct jwt_claims claims = { .sub = { sub, 3011 - 46 }, .exp = EXP_S };
    str token;

    memset(sub, 'x', sizeof sub);
    assert_null(jwt_sign(bench->key, bench->arena, &claims, &token));
    assert_int_equal(token.len, JWT_TOKEN_MAX);
    assert_true(accepts(bench, token));
    claims.sub.len++;
    assert_ptr_equal(jwt_sign(bench->key, bench->arena, &claims, &token), &ERROR_OUT_OF_MEMORY);
    claims.sub.len = sizeof sub;
    assert_ptr_equal(jwt_sign(bench->key, bench->arena, &claims, &token), &ERROR_OUT_OF_MEMORY);
}

/* RFC 7515 appendix A.1: a key of 64 bytes, a header with a line break, no `sub`. */
static void the_example_of_rfc_7515_is_verified(void **state)
{
    static const str KEY_TEXT = STR_INIT("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"
                                         "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    static const str TOKEN = STR_INIT(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn"
        "VlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    struct bench *bench = *state;
    struct jwt_claims claims;
    struct jwt_key *key;
    uint8_t secret[68];
    size_t len;
    str payload;

    assert_true(base64url_decode(KEY_TEXT, secret, &len));
    assert_int_equal(len, 64);
    assert_null(jwt_key_new(bench->arena, (str){ (const char *)secret, len }, &key));
    assert_null(jwt_payload(key, bench->arena, TOKEN, &payload));
    assert_text(payload, "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                         "\"http://example.com/is_root\":true}");
    assert_ptr_equal(jwt_verify(key, bench->arena, TOKEN, NOW, &claims), &JWT_UNAUTHORIZED);
    assert_ptr_equal(jwt_payload(bench->key, bench->arena, TOKEN, &payload), &JWT_UNAUTHORIZED);
    jwt_key_free(key);
}

static void headers_are_accepted_only_with_our_algorithm(void **state)
{
    static const struct {
        const char *header;
        bool accepted;
    } rows[] = {
        { HEADER, true },
        { "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", true },
        { " {\n\"alg\" : \"HS256\"\t}\r\n", true },
        { "{\"alg\":\"HS256\"}", true }, /* without `typ` */
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", true },
        { "{\"alg\":\"HS256\",\"typ\":7}", true },
        { "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", true },
        { "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/\"}", true },
        { "{\"\\u0061lg\":\"HS\\u003256\"}", true },      /* the same in JSON */
        { "{\"alg\":\"none\",\"alg\":\"HS256\"}", true }, /* the last one counts */
        { "{\"alg\":\"HS256\",\"alg\":\"none\"}", false },
        { "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", false }, /* jsonwebtoken takes it */
        { "{\"alg\":\"HS256\",\"crit\":[]}", false },
        { "{\"alg\":\"HS256\",\"crit\":null}", false },
        { "{\"alg\":\"HS384\"}", false }, /* signed with SHA-256 */
        { "{\"alg\":\"HS512\"}", false },
        { "{\"alg\":\"none\"}", false },
        { "{\"alg\":\"NONE\"}", false },
        { "{\"alg\":\"nOnE\"}", false },
        { "{\"alg\":\"hs256\"}", false },
        { "{\"alg\":\"HS256 \"}", false },
        { "{\"alg\":\"HS256\\u0000\"}", false },
        { "{\"alg\":\"\"}", false },
        { "{\"alg\":\"RS256\"}", false },
        { "{\"alg\":\"ES256\"}", false },
        { "{\"alg\":null}", false },
        { "{\"alg\":256}", false },
        { "{\"alg\":[\"HS256\"]}", false },
        { "{\"ALG\":\"HS256\"}", false },
        { "{\"typ\":\"JWT\"}", false },
        { "{}", false },
        { "[\"HS256\"]", false },
        { "\"HS256\"", false },
        { "null", false },
        { "HS256", false },
        { "{\"alg\":\"HS256\"", false },
        { "{\"alg\":\"HS256\"}x", false },
        { "{\"alg\":\"HS256\",\"x\":\"\xFF\"}", false },
        { "", false },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (accepts(bench, token_of(bench->arena, rows[i].header, CLAIMS)) != rows[i].accepted)
            fail_msg("header %s", rows[i].header);
}

static void payloads_are_accepted_only_with_sound_claims(void **state)
{
    static const struct {
        const char *payload;
        bool accepted;
    } rows[] = {
        { CLAIMS, true },
        /* exp: it must lie after the second that runs. */
        { "{\"sub\":\"u1\",\"exp\":1700000001}", true },
        { "{\"sub\":\"u1\",\"exp\":1700000000}", false },
        { "{\"sub\":\"u1\",\"exp\":1699999999}", false },
        { "{\"sub\":\"u1\",\"exp\":1700000000.5}", true },
        { "{\"sub\":\"u1\",\"exp\":1699999999.999}", false },
        { "{\"sub\":\"u1\",\"exp\":1.7000036e9}", true },
        { "{\"sub\":\"u1\",\"exp\":1e300}", true },
        { "{\"sub\":\"u1\",\"exp\":1e999}", true },
        { "{\"sub\":\"u1\",\"exp\":0}", false },
        { "{\"sub\":\"u1\",\"exp\":-1700003600}", false },
        { "{\"sub\":\"u1\",\"exp\":-1e999}", false },
        { "{\"sub\":\"u1\",\"exp\":\"1700003600\"}", false },
        { "{\"sub\":\"u1\",\"exp\":null}", false },
        { "{\"sub\":\"u1\",\"exp\":true}", false },
        { "{\"sub\":\"u1\",\"exp\":[1700003600]}", false },
        { "{\"sub\":\"u1\"}", false }, /* jsonwebtoken takes it: valid for ever */
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"exp\":1}", false },
        /* nbf: it may be the second that runs. */
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":1700000000}", true },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":-1}", true },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":1700000000.5}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":1700000001}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":1e999}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":\"1\"}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"nbf\":null}", false },
        /* iat: not looked at. */
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"iat\":1800000000}", true },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"iat\":\"yesterday\"}", true },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"iat\":null}", true },
        /* Types. passport-jwt would hand these to the program as they are. */
        { "{\"exp\":1700003600}", false },
        { "{\"sub\":null,\"exp\":1700003600}", false },
        { "{\"sub\":1,\"exp\":1700003600}", false },
        { "{\"sub\":{\"$ne\":1},\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"email\":null,\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"email\":[\"a@b.ro\"],\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"roles\":[],\"exp\":1700003600}", true },
        { "{\"sub\":\"u1\",\"roles\":\"superadmin\",\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"roles\":[\"user\",1],\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"roles\":{\"0\":\"admin\"},\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"roles\":null,\"exp\":1700003600}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,\"more\":{\"deep\":[1,[2,[3]]]}}", true },
        /* Not an object, not JSON. */
        { "\"u1\"", false },
        { "5", false },
        { "[]", false },
        { "null", false },
        { "", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600}}", false },
        { "{\"sub\":\"u1\",\"exp\":1700003600,}", false },
        { "{\"sub\":\"\xC8\",\"exp\":1700003600}", false },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (accepts(bench, token_of(bench->arena, HEADER, rows[i].payload)) != rows[i].accepted)
            fail_msg("payload %s", rows[i].payload);
}

static void times_are_cut_to_whole_seconds_that_fit(void **state)
{
    struct bench *bench = *state;
    struct jwt_claims claims;
    str token = token_of(bench->arena, HEADER, "{\"sub\":\"\",\"exp\":1e300,\"iat\":-1e300}");

    assert_null(jwt_verify(bench->key, bench->arena, token, NOW, &claims));
    assert_true(claims.exp == INT64_MAX && claims.iat == INT64_MIN);
    token = token_of(bench->arena, HEADER, "{\"sub\":\"\",\"exp\":1700003600.9,\"iat\":\"1\"}");
    assert_null(jwt_verify(bench->key, bench->arena, token, NOW, &claims));
    assert_true(claims.exp == EXP_S && claims.iat == 0);
}

/* jsonwebtoken takes the first two when it is told no algorithms. */
static void other_algorithms_are_refused_although_the_secret_is_right(void **state)
{
    struct bench *bench = *state;
    struct arena *arena = bench->arena;

    assert_false(
        accepts(bench, token_with(arena, EVP_sha384(), STR("{\"alg\":\"HS384\"}"), STR(CLAIMS))));
    assert_false(
        accepts(bench, token_with(arena, EVP_sha512(), STR("{\"alg\":\"HS512\"}"), STR(CLAIMS))));
    assert_false(accepts(bench, token_with(arena, EVP_sha512(), STR(HEADER), STR(CLAIMS))));
    assert_true(accepts(bench, token_with(arena, EVP_sha256(), STR(HEADER), STR(CLAIMS))));
}

/* Made by jsonwebtoken 9 with the claims of FULL: `none` without a signature, and FULL's header
 * with the secret and an `x` behind it. */
static const str UNSIGNED = STR_INIT(
    "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0."
    "eyJzdWIiOiIwMTkwYTNiMi03YzRkLTdlOGYtOWEwYi0xYzJkM2U0ZjVhNmIiLCJlbWFpbCI6ImFuYUBleGFtcGxlLmNvb"
    "SIsInJvbGVzIjpbInVzZXIiLCJhZG1pbiJdLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0.");
static const str WRONG_SECRET = STR_INIT(
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJzdWIiOiIwMTkwYTNiMi03YzRkLTdlOGYtOWEwYi0xYzJkM2U0ZjVhNmIiLCJlbWFpbCI6ImFuYUBleGFtcGxlLmNvb"
    "SIsInJvbGVzIjpbInVzZXIiLCJhZG1pbiJdLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDAwMzYwMH0."
    "WHmS8AWltWZqgQSgta9xh_fdik4_YEpVIq2Dg7HGXyk");

static void unsigned_tokens_and_those_of_another_secret_are_refused(void **state)
{
    struct bench *bench = *state;
    str unsigned_token = UNSIGNED;

    assert_false(accepts(bench, unsigned_token));
    assert_false(accepts(bench, str_slice(unsigned_token, 0, unsigned_token.len - 1)));
    assert_false(accepts(bench, WRONG_SECRET));
    assert_true(accepts(bench, FULL));
}

static void one_changed_bit_anywhere_is_refused(void **state)
{
    struct bench *bench = *state;
    char token[sizeof FULL_TEXT];

    for (size_t i = 0; i < FULL.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(token, FULL.at, FULL.len + 1);
            token[i] = (char)(token[i] ^ (1 << bit));
            if (accepts(bench, (str){ token, FULL.len }))
                fail_msg("byte %zu bit %u", i, bit);
        }
}

static void every_part_of_a_token_is_refused(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < FULL.len; i++) {
        assert_false(accepts(bench, str_slice(FULL, 0, i)));
        assert_false(accepts(bench, str_slice(FULL, i + 1, FULL.len)));
    }
    assert_false(accepts(bench, (str){ 0 }));
}

static void nothing_may_stand_around_a_token(void **state)
{
    static const struct {
        const char *before, *after;
    } rows[] = {
        { "", "." },    { "", ".x" },      { ".", "" },           { "x.", "" },      { "", "=" },
        { "", "==" },   { "", " " },       { " ", "" },           { "", "\n" },      { "", "\t" },
        { "\"", "\"" }, { "", ".." },      { "", "%00" },         { "", "A" },       { "A", "" },
        { "", ",x" },   { "Bearer ", "" }, { FULL_TEXT ".", "" }, { FULL_TEXT, "" },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (accepts(bench,
                    arena_printf(bench->arena, "%s%s%s", rows[i].before, FULL.at, rows[i].after)))
            fail_msg("'%s' before, '%s' behind", rows[i].before, rows[i].after);
}

static void texts_that_are_no_tokens_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        "undefined",
        "{}",
        "\"\"",
        "............................................................................",
        "x.y.HTdrjLBi7srK83-YRQ8jK2mL0lRAFEhPpaQl12ES9ZM",
        "..HTdrjLBi7srK83-YRQ8jK2mL0lRAFEhPpaQl12ES9ZM",
        ".HTdrjLBi7srK83-YRQ8jK2mL0lRAFEhPpaQl12ES9ZM",
        "x.HTdrjLBi7srK83-YRQ8jK2mL0lRAFEhPpaQl12ES9ZM",
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (accepts(bench, str_of(rows[i])))
            fail_msg("%s", rows[i]);
}

/* The signature is right for the text as it stands; only the decoding is at fault. */
static void parts_with_padding_or_unused_bits_are_refused_although_signed(void **state)
{
    static const struct {
        const char *front;
        bool accepted;
    } rows[] = {
        { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0", true },
        { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0=", false },
        { "eyJhbGciOiJIUzI1NiJ9=.eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0", false },
        { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH1", false },
        { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0.", false },
        { "eyJhbGciOiJIUzI1NiJ9..eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0", false },
        { "eyJhbGciOiJIUzI1NiJ9.\neyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0", false },
        { "eyJzdWIiOiJ1MSIsImV4cCI6MTcwMDAwMzYwMH0", false },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str front = str_of(rows[i].front);
        uint8_t mac[32];

        HMAC(EVP_sha256(), SECRET, sizeof SECRET - 1, (const uint8_t *)front.at, front.len, mac,
             NULL);
        str signature = encode(bench->arena, (str){ (const char *)mac, sizeof mac });
        str token = arena_printf(bench->arena, "%s.%.*s", front.at, STR_ARG(signature));

        if (accepts(bench, token) != rows[i].accepted)
            fail_msg("%s", rows[i].front);
    }
}

/* The signature of FULL has a `-` and a `_`. */
static void the_other_alphabet_of_base64_is_refused(void **state)
{
    struct bench *bench = *state;
    char token[sizeof FULL_TEXT];

    memcpy(token, FULL.at, FULL.len + 1);
    char *dash = strrchr(token, '-'), *line = strrchr(token, '_');

    assert_true(dash && line);
    *dash = '+';
    assert_false(accepts(bench, (str){ token, FULL.len }));
    *dash = '-';
    assert_true(accepts(bench, (str){ token, FULL.len }));
    *line = '/';
    assert_false(accepts(bench, (str){ token, FULL.len }));
}

static str token_of_length(struct arena *arena, size_t payload_len)
{
    size_t filler = payload_len - strlen("{\"sub\":\"\",\"exp\":1700003600}");
    str payload = arena_printf(arena, "{\"sub\":\"%*s\",\"exp\":1700003600}", (int)filler, "");

    return token_of(arena, HEADER, payload.at);
}

static void a_token_of_4096_bytes_is_read_and_a_longer_one_is_not(void **state)
{
    struct bench *bench = *state;
    str fits = token_of_length(bench->arena, 3011), longer = token_of_length(bench->arena, 3012);

    assert_int_equal(fits.len, JWT_TOKEN_MAX);
    assert_true(accepts(bench, fits));
    assert_int_equal(longer.len, JWT_TOKEN_MAX + 1);
    assert_false(accepts(bench, longer));
    assert_false(accepts(bench, token_of_length(bench->arena, 8000)));
}

static void nesting_beyond_the_limit_is_refused(void **state)
{
    struct bench *bench = *state;
    char nested[2001] = { 0 };

    memset(nested, '[', 1000);
    memset(nested + 1000, ']', 1000);
    str payload =
        arena_printf(bench->arena, "{\"sub\":\"u1\",\"exp\":1700003600,\"x\":%s}", nested);

    assert_false(accepts(bench, token_of(bench->arena, HEADER, payload.at)));
}

/* However much room there is: an answer is the right one or about memory. */
static void a_nearly_full_arena_is_not_the_tokens_fault(void **state)
{
    struct bench *bench = *state;
    struct arena *small = arena_new(ARENA_BLOCK_SIZE);
    struct jwt_claims claims;
    size_t refused = 0;

    for (size_t room = 0; room < ARENA_BLOCK_SIZE; room += 16, arena_reset(small)) {
        assert_non_null(arena_alloc(small, ARENA_BLOCK_SIZE - room));

        error failed = jwt_verify(bench->key, small, FULL, NOW, &claims);

        assert_true(!failed || failed == &ERROR_OUT_OF_MEMORY);
        refused += failed != NULL;
    }
    assert_in_range(refused, 10, ARENA_BLOCK_SIZE / 16 - 1);
    arena_free(small);
}

static void a_full_arena_is_not_the_tokens_fault(void **state)
{
    struct bench *bench = *state;
    struct arena *small = arena_new(ARENA_BLOCK_SIZE);
    struct jwt_claims claims;
    str token;

    while (arena_alloc(small, 16))
        ;
    assert_ptr_equal(jwt_verify(bench->key, small, FULL, NOW, &claims), &ERROR_OUT_OF_MEMORY);
    claims = (struct jwt_claims){ .sub = STR("u1") };
    assert_ptr_equal(jwt_sign(bench->key, small, &claims, &token), &ERROR_OUT_OF_MEMORY);
    assert_ptr_equal(jwt_key_new(small, STR(SECRET), &(struct jwt_key *){ NULL }),
                     &ERROR_OUT_OF_MEMORY);
    arena_free(small);
}

static void a_key_needs_32_bytes(void **state)
{
    struct bench *bench = *state;
    struct jwt_key *key = NULL;
    error failed = jwt_key_new(bench->arena, STR("0123456789abcdef0123456789abcde"), &key);

    assert_non_null(failed);
    assert_int_equal(failed->status, 500);
    assert_string_equal(failed->message, "The JWT secret has 31 bytes; it needs at least 32");
    assert_null(key);
    assert_non_null(jwt_key_new(bench->arena, (str){ 0 }, &key));
    assert_null(jwt_key_new(bench->arena, STR("0123456789abcdef0123456789abcdef"), &key));
    jwt_key_free(key);
    jwt_key_free(NULL);
}

static void the_bearer_token_is_the_second_word(void **state)
{
    static const struct {
        const char *header, *token;
    } rows[] = {
        { "Bearer T", "T" },
        { "bearer T", "T" },
        { "BEARER T", "T" },
        { "Bearer  T", "T" },
        { "Bearer\tT", "T" },
        { "  Bearer T  ", "T" },
        { "\tBearer \t T", "T" },
        { "Bearer T x", "T" },
        { "Bearer T, Basic x", "T," }, /* refused by jwt_verify, as the next one */
        { "Bearer \"T\"", "\"T\"" },
        { "Bearer Bearer T", "Bearer" },
        { "T", NULL },
        { "BearerT", NULL },
        { "Basic T", NULL },
        { "JWT T", NULL },
        { "Bearer: T", NULL },
        { "Bearer=T", NULL },
        { "x Bearer T", NULL },
        { "Bearer", NULL },
        { "Bearer ", NULL },
        { " ", NULL },
        { "", NULL },
        { "?access_token=T", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        str token = jwt_bearer(str_of(rows[i].header));

        if (rows[i].token ? !token.at || !str_is(token, rows[i].token) : token.at != NULL)
            fail_msg("'%s' gives '%.*s'", rows[i].header, STR_ARG(token));
    }
    assert_null(jwt_bearer((str){ 0 }).at);
}

static void durations_are_read_in_seconds(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* 0: refused */
    } rows[] = {
        { "3600", 3600 },
        { "1", 1 },
        { "60s", 60 },
        { "15m", 900 },
        { "1h", 3600 },
        { "7d", 604800 },
        { "007d", 604800 },
        { "3650d", 315360000 },
        { "315360000", 315360000 },
        { "315360001", 0 },
        { "87600h", 315360000 },
        { "87601h", 0 },
        { "3651d", 0 },
        { "18446744073709551616", 0 },
        { "99999999999999999999d", 0 },
        { "0", 0 },
        { "0h", 0 },
        { "", 0 },
        { "h", 0 },
        { "-1h", 0 },
        { "+1h", 0 },
        { "1.5h", 0 },
        { "1 h", 0 },
        { " 1h", 0 },
        { "1h ", 0 },
        { "1H", 0 },
        { "1hh", 0 },
        { "1w", 0 },
        { "1y", 0 },
        { "100ms", 0 },
        { "1e3", 0 },
        { "0x10", 0 },
        { "one hour", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t seconds = -1;
        bool read = jwt_duration(str_of(rows[i].text), &seconds);

        if (read != (rows[i].seconds != 0) || seconds != (read ? rows[i].seconds : -1))
            fail_msg("'%s' gives %lld", rows[i].text, (long long)seconds);
    }
    assert_false(jwt_duration((str){ 0 }, &(int64_t){ 0 }));
}

#define WITH_KEY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_KEY(the_error_has_the_form_without_a_reason),
        WITH_KEY(a_token_of_jsonwebtoken_is_read),
        WITH_KEY(a_token_without_email_and_roles_is_read),
        WITH_KEY(escaped_and_wide_characters_are_read),
        WITH_KEY(a_signed_token_is_the_one_jsonwebtoken_makes),
        WITH_KEY(a_signed_token_without_email_has_an_empty_list_of_roles),
        WITH_KEY(claims_that_do_not_fit_make_no_token),
        WITH_KEY(the_example_of_rfc_7515_is_verified),
        WITH_KEY(headers_are_accepted_only_with_our_algorithm),
        WITH_KEY(payloads_are_accepted_only_with_sound_claims),
        WITH_KEY(times_are_cut_to_whole_seconds_that_fit),
        WITH_KEY(other_algorithms_are_refused_although_the_secret_is_right),
        WITH_KEY(unsigned_tokens_and_those_of_another_secret_are_refused),
        WITH_KEY(one_changed_bit_anywhere_is_refused),
        WITH_KEY(every_part_of_a_token_is_refused),
        WITH_KEY(nothing_may_stand_around_a_token),
        WITH_KEY(texts_that_are_no_tokens_are_refused),
        WITH_KEY(parts_with_padding_or_unused_bits_are_refused_although_signed),
        WITH_KEY(the_other_alphabet_of_base64_is_refused),
        WITH_KEY(a_token_of_4096_bytes_is_read_and_a_longer_one_is_not),
        WITH_KEY(nesting_beyond_the_limit_is_refused),
        WITH_KEY(a_nearly_full_arena_is_not_the_tokens_fault),
        WITH_KEY(a_full_arena_is_not_the_tokens_fault),
        WITH_KEY(a_key_needs_32_bytes),
        WITH_KEY(the_bearer_token_is_the_second_word),
        WITH_KEY(durations_are_read_in_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
