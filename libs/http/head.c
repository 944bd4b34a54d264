#include "http/head.h"
#include "http/syntax.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static const struct error BARE_LINE_FEED =
    ERROR(400, "A line of the request does not end in CR LF");
static const struct error BAD_METHOD = ERROR(400, "The request's method is malformed");
static const struct error BAD_TARGET = ERROR(400, "The request's target is malformed");
static const struct error BAD_REQUEST_LINE = ERROR(400, "The request line is malformed");
static const struct error BAD_FIELD = ERROR(400, "A header line is malformed");
static const struct error BAD_HOST = ERROR(400, "The Host header is malformed");
static const struct error NO_HOST = ERROR(400, "The Host header is missing");
static const struct error TWO_HOSTS = ERROR(400, "There is more than one Host header");
static const struct error BAD_LENGTH = ERROR(400, "The Content-Length header is malformed");
static const struct error TWO_LENGTHS = ERROR(400, "There is more than one Content-Length header");
static const struct error TWO_CODINGS =
    ERROR(400, "There is more than one Transfer-Encoding header");
static const struct error BAD_CODINGS =
    ERROR(400, "chunked must be the last Transfer-Encoding, and only once");
static const struct error OLD_CODING = ERROR(400, "HTTP/1.0 has no Transfer-Encoding");
static const struct error TWO_FRAMINGS =
    ERROR(400, "Content-Length and Transfer-Encoding exclude each other");
static const struct error TARGET_TOO_LONG = ERROR(414, "The request's target is too long");
static const struct error EXPECTATION_FAILED = ERROR(417, "Only 100-continue can be expected");
static const struct error HEAD_TOO_LONG = ERROR(431, "The request's headers are too long");
static const struct error TOO_MANY_FIELDS = ERROR(431, "The request has too many headers");
static const struct error NO_CONNECT = ERROR(501, "CONNECT is not supported");
static const struct error UNKNOWN_CODING = ERROR(501, "The Transfer-Encoding is not supported");
static const struct error BAD_VERSION = ERROR(505, "The HTTP version is not supported");

enum {
    REQUEST_LINE_MAX = HTTP_TARGET_MAX + 64,
    LENGTH_DIGITS_MAX = 18,
};

static bool all_are(str s, int class)
{
    for (size_t i = 0; i < s.len; i++)
        if (!http_is(s.at[i], class))
            return false;
    return true;
}

/* Whether it is the target or the headers that made a head too long. */
static error too_long(str input)
{
    return str_find(input, '\n') > REQUEST_LINE_MAX ? &TARGET_TOO_LONG : &HEAD_TOO_LONG;
}

error http_head_find(str input, size_t *scanned, size_t *len)
{
    const char *at = input.at + *scanned, *end = input.at + input.len, *feed;

    while ((feed = memchr(at, '\n', (size_t)(end - at)))) {
        size_t index = (size_t)(feed - input.at);

        if (index == 0 || feed[-1] != '\r')
            return &BARE_LINE_FEED;
        at = feed + 1;
        if (index >= 2 && feed[-2] == '\n') {
            if (index >= HTTP_HEAD_MAX)
                return too_long(input);
            *len = index + 1;
            return NULL;
        }
    }
    if (input.len > HTTP_HEAD_MAX ||
        (input.len > REQUEST_LINE_MAX && str_find(input, '\n') == input.len))
        return too_long(input);
    *scanned = input.len;
    *len = 0;
    return NULL;
}

/* What is still unread. It ends in CR LF CR LF, so a loop over a class of characters needs no bound. */
struct cursor {
    const char *at, *end;
};

static str cut(struct cursor *cursor, int class)
{
    const char *start = cursor->at, *at = start;

    while (http_is(*at, class))
        at++;
    cursor->at = at;
    return (str){ start, (size_t)(at - start) };
}

static bool skip(struct cursor *cursor, str expected)
{
    if ((size_t)(cursor->end - cursor->at) < expected.len ||
        memcmp(cursor->at, expected.at, expected.len) != 0)
        return false;
    cursor->at += expected.len;
    return true;
}

static enum http_method method_of(str name)
{
    static const struct {
        str name;
        enum http_method method;
    } known[] = {
        { STR_INIT("GET"), HTTP_GET },         { STR_INIT("POST"), HTTP_POST },
        { STR_INIT("PUT"), HTTP_PUT },         { STR_INIT("DELETE"), HTTP_DELETE },
        { STR_INIT("PATCH"), HTTP_PATCH },     { STR_INIT("HEAD"), HTTP_HEAD },
        { STR_INIT("OPTIONS"), HTTP_OPTIONS },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(name, known[i].name))
            return known[i].method;
    return HTTP_OTHER;
}

/* `[::1]`: what stands between the brackets is not looked at closely, only that it can be an address. */
static bool skip_bracketed(str *rest)
{
    size_t close = str_find(*rest, ']');

    if (close == rest->len || close < 3)
        return false;
    for (size_t i = 1; i < close; i++)
        if (!http_is(rest->at[i], HTTP_HOST) && rest->at[i] != ':')
            return false;
    *rest = str_slice(*rest, close + 1, rest->len);
    return true;
}

/* uri-host [ ":" port ], the host not empty (RFC 9110 section 7.2). */
static bool is_host(str text)
{
    str port;

    if (text.len == 0)
        return false;
    if (text.at[0] == '[') {
        if (!skip_bracketed(&text))
            return false;
        port = text;
    } else {
        size_t colon = str_find(text, ':');

        if (colon == 0 || !all_are(str_slice(text, 0, colon), HTTP_HOST))
            return false;
        port = str_slice(text, colon, text.len);
    }
    if (port.len && port.at[0] != ':')
        return false;
    for (size_t i = 1; i < port.len; i++)
        if (port.at[i] < '0' || port.at[i] > '9')
            return false;
    return true;
}

/* Drops `http://host` of the absolute form; false when it is malformed. */
static bool drop_authority(str *target)
{
    size_t start = target->len > 7 && str_eq_nocase(str_slice(*target, 0, 7), STR("http://")) ? 7
                   : target->len > 8 && str_eq_nocase(str_slice(*target, 0, 8), STR("https://"))
                       ? 8
                       : 0;
    size_t end = start;

    while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
        end++;
    if (!start || !is_host(str_slice(*target, start, end - start)))
        return false;
    *target = str_slice(*target, end, target->len);
    return true;
}

static error split_target(struct http_request *request)
{
    str rest = request->target;

    if (rest.len == 0)
        return &BAD_TARGET;
    if (str_eq(rest, STR("*")))
        return request->method == HTTP_OPTIONS ? (request->path = rest, NULL) : &BAD_TARGET;
    if (rest.at[0] != '/' && !drop_authority(&rest))
        return &BAD_TARGET;
    size_t mark = str_find(rest, '?');

    request->path = mark ? str_slice(rest, 0, mark) : STR("/");
    if (mark < rest.len)
        request->query = str_slice(rest, mark + 1, rest.len);
    return NULL;
}

static error read_version(struct cursor *cursor, bool *old)
{
    if (skip(cursor, STR("HTTP/1.1\r\n")))
        return *old = false, NULL;
    if (skip(cursor, STR("HTTP/1.0\r\n")))
        return *old = true, NULL;
    const char *at = cursor->at;

    if (cursor->end - at >= 10 && memcmp(at, "HTTP/", 5) == 0 && at[5] >= '0' && at[5] <= '9' &&
        at[6] == '.' && at[7] >= '0' && at[7] <= '9' && memcmp(at + 8, "\r\n", 2) == 0)
        return &BAD_VERSION;
    return &BAD_REQUEST_LINE;
}

static error read_request_line(struct cursor *cursor, struct http_request *request, bool *old)
{
    request->method_name = cut(cursor, HTTP_METHOD);
    if (request->method_name.len == 0 || *cursor->at != ' ')
        return &BAD_METHOD;
    request->method = method_of(request->method_name);
    cursor->at++;
    request->target = cut(cursor, HTTP_TARGET);
    if (*cursor->at != ' ')
        return &BAD_TARGET;
    cursor->at++;
    if (request->target.len > HTTP_TARGET_MAX)
        return &TARGET_TOO_LONG;
    TRY(read_version(cursor, old));
    if (str_eq(request->method_name, STR("CONNECT")))
        return &NO_CONNECT;
    return split_target(request);
}

/* The bytes of `eight` that a field value cannot have, as their highest bits. A byte below 0x20 or equal to
 * 0x7f makes the subtraction borrow into that bit; a byte from 0x80 on has it from the start. A borrow may
 * also mark a byte above a hit, never one below. */
static uint64_t controls(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = eight - ones * 0x20, delete = (eight ^ ones * 0x7f) - ones;

    return (low | delete) & ~eight & ones * 0x80;
}

/* Moves to the first byte that a field value cannot have, eight at a time where there is no tab. */
static void skip_value(struct cursor *cursor)
{
    const char *at = cursor->at;
    uint64_t eight, hits;

    while (cursor->end - at >= 8) {
        memcpy(&eight, at, 8);
        hits = controls(le64toh(eight));
        if (hits) {
            at += __builtin_ctzll(hits) / 8;
            break;
        }
        at += 8;
    }
    while (http_is_value(*at))
        at++;
    cursor->at = at;
}

/* What the fields that frame the message and the connection have said so far. */
struct framing {
    bool old; /* HTTP/1.0 */
    bool close;
    unsigned hosts, lengths, codings;
};

static error note_length(str value, struct framing *framing, struct http_head *head)
{
    if (framing->lengths++)
        return &TWO_LENGTHS;
    if (value.len > LENGTH_DIGITS_MAX || !str_to_uint(value, UINT64_MAX, &head->content_length))
        return &BAD_LENGTH;
    head->has_length = true;
    return NULL;
}

/* Chunked twice, or not as the last of the codings: where the body ends is then unknown (RFC 9112 section
 * 6.3), unlike with a coding that is merely unknown. */
static bool chunked_is_misplaced(str value)
{
    unsigned chunked = 0;
    bool last = false;
    str coding;

    while (str_next_piece(&value, ',', &coding)) {
        last = str_eq_nocase(str_trim(coding), STR("chunked"));
        chunked += last;
    }
    return chunked > 1 || (chunked && !last);
}

static error note_coding(str value, struct framing *framing, struct http_head *head)
{
    if (framing->codings++)
        return &TWO_CODINGS;
    if (framing->old)
        return &OLD_CODING;
    if (!str_eq_nocase(value, STR("chunked")))
        return chunked_is_misplaced(value) ? &BAD_CODINGS : &UNKNOWN_CODING;
    head->chunked = true;
    return NULL;
}

static error note_host(str value, struct framing *framing)
{
    if (framing->hosts++)
        return &TWO_HOSTS;
    return is_host(value) ? NULL : &BAD_HOST;
}

static void note_connection(str value, struct framing *framing)
{
    str option;

    while (str_next_piece(&value, ',', &option))
        if (str_eq_nocase(str_trim(option), STR("close")))
            framing->close = true;
}

/* A client of HTTP/1.0 does not know `100 Continue` (RFC 9110 section 10.1.1). */
static error note_expectation(str value, struct framing *framing, struct http_head *head)
{
    if (framing->old)
        return NULL;
    if (!str_eq_nocase(value, STR("100-continue")))
        return &EXPECTATION_FAILED;
    head->expects_continue = true;
    return NULL;
}

/* Most fields end at the comparison of their length. */
static error note_field(const struct http_header *field, struct framing *framing,
                        struct http_head *head)
{
    switch (field->name.len) {
    case sizeof "host" - 1:
        return str_eq_nocase(field->name, STR("host")) ? note_host(field->value, framing) : NULL;
    case sizeof "expect" - 1:
        return str_eq_nocase(field->name, STR("expect"))
                   ? note_expectation(field->value, framing, head)
                   : NULL;
    case sizeof "connection" - 1:
        if (str_eq_nocase(field->name, STR("connection")))
            note_connection(field->value, framing);
        return NULL;
    case sizeof "content-length" - 1:
        return str_eq_nocase(field->name, STR("content-length"))
                   ? note_length(field->value, framing, head)
                   : NULL;
    case sizeof "transfer-encoding" - 1:
        return str_eq_nocase(field->name, STR("transfer-encoding"))
                   ? note_coding(field->value, framing, head)
                   : NULL;
    default: return NULL;
    }
}

static error read_field(struct cursor *cursor, struct http_header *out)
{
    str name = cut(cursor, HTTP_TOKEN);

    if (name.len == 0 || *cursor->at != ':')
        return &BAD_FIELD;
    cursor->at++;
    while (*cursor->at == ' ' || *cursor->at == '\t')
        cursor->at++;
    const char *start = cursor->at;

    skip_value(cursor);
    const char *end = cursor->at;

    if (!skip(cursor, STR("\r\n")))
        return &BAD_FIELD;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *out = (struct http_header){ name, { start, (size_t)(end - start) } };
    return NULL;
}

/* Decisions that need all the fields. */
static error decide(const struct framing *framing, struct http_head *head)
{
    if (!framing->hosts && !framing->old)
        return &NO_HOST;
    if (framing->lengths && framing->codings)
        return &TWO_FRAMINGS;
    head->keep_alive = !framing->old && !framing->close;
    return NULL;
}

/* An empty head. The arrays are left as they are: their counts are 0, and clearing them costs more than
 * reading a short head. */
static void forget(struct http_head *head)
{
    struct http_request *request = &head->request;

    head->keep_alive = head->chunked = head->has_length = head->expects_continue = false;
    head->content_length = 0;
    request->headers = head->headers;
    request->header_count = request->param_count = 0;
    request->query = request->body = (str){ NULL, 0 };
    request->route = NULL;
}

error http_head_parse(str text, struct http_head *out)
{
    struct cursor cursor = { text.at, text.at + text.len };
    struct framing framing = { 0 };
    struct http_request *request = &out->request;

    assert(str_ends_with(text, STR("\r\n\r\n")));
    forget(out);
    TRY(read_request_line(&cursor, request, &framing.old));
    while (*cursor.at != '\r') {
        struct http_header *field = &out->headers[request->header_count];

        if (request->header_count == HTTP_HEADERS_MAX)
            return &TOO_MANY_FIELDS;
        TRY(read_field(&cursor, field));
        TRY(note_field(field, &framing, out));
        request->header_count++;
    }
    if (cursor.end - cursor.at != 2)
        return &BAD_FIELD;
    return decide(&framing, out);
}
