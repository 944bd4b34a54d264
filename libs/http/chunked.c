#include "http/chunked.h"
#include "http/syntax.h"

static const struct error BAD_SIZE = ERROR(400, "The size of a chunk is malformed");
static const struct error BAD_LINE = ERROR(400, "A chunk's line is malformed");
static const struct error BAD_END = ERROR(400, "A chunk does not end in CR LF");
static const struct error BAD_TRAILER = ERROR(400, "A trailer is malformed");
static const struct error EXTENSIONS_TOO_LONG = ERROR(431, "The chunk extensions are too long");
static const struct error TRAILERS_TOO_LONG = ERROR(431, "The trailers are too long");

static error expect(struct http_chunked *decoder, char c, char expected,
                    enum http_chunked_state next, error otherwise)
{
    if (c != expected)
        return otherwise;
    decoder->state = next;
    return NULL;
}

/* A size that does not fit the body stays too large whatever digit follows, so it cannot overflow. */
static error read_size(struct http_chunked *decoder, char c, const struct buf *out)
{
    int value = http_hex_digit(c);

    if (value >= 0) {
        if (++decoder->digits > HTTP_CHUNK_DIGITS_MAX)
            return &BAD_SIZE;
        decoder->left = decoder->left * 16 + (unsigned)value;
        return decoder->left > out->max - out->len ? &HTTP_BODY_TOO_LARGE : NULL;
    }
    if (decoder->digits == 0)
        return &BAD_SIZE;
    decoder->last = decoder->left == 0;
    if (c == ';')
        return decoder->state = HTTP_CHUNK_EXTENSION, NULL;
    if (c == ' ' || c == '\t')
        return decoder->state = HTTP_CHUNK_BLANK, NULL;
    return expect(decoder, c, '\r', HTTP_CHUNK_SIZE_END, &BAD_SIZE);
}

static error read_blank(struct http_chunked *decoder, char c)
{
    if (++decoder->extensions > HTTP_CHUNK_EXTENSIONS_MAX)
        return &EXTENSIONS_TOO_LONG;
    if (c == ' ' || c == '\t')
        return NULL;
    return expect(decoder, c, ';', HTTP_CHUNK_EXTENSION, &BAD_LINE);
}

static error read_extension(struct http_chunked *decoder, char c)
{
    if (++decoder->extensions > HTTP_CHUNK_EXTENSIONS_MAX)
        return &EXTENSIONS_TOO_LONG;
    if (http_is_value(c))
        return NULL;
    return expect(decoder, c, '\r', HTTP_CHUNK_SIZE_END, &BAD_LINE);
}

static error start_chunk(struct http_chunked *decoder, char c)
{
    decoder->digits = 0;
    return expect(decoder, c, '\n', decoder->last ? HTTP_TRAILER_START : HTTP_CHUNK_DATA,
                  &BAD_LINE);
}

static error read_trailer(struct http_chunked *decoder, char c)
{
    if (++decoder->trailers > HTTP_TRAILERS_MAX)
        return &TRAILERS_TOO_LONG;
    switch (decoder->state) {
    case HTTP_TRAILER_START:
        if (c == '\r')
            return decoder->state = HTTP_CHUNKED_LAST, NULL;
        decoder->state = HTTP_TRAILER_NAME;
        return http_is_token(c) ? NULL : &BAD_TRAILER;
    case HTTP_TRAILER_NAME:
        if (http_is_token(c))
            return NULL;
        return expect(decoder, c, ':', HTTP_TRAILER_VALUE, &BAD_TRAILER);
    case HTTP_TRAILER_VALUE:
        if (http_is_value(c))
            return NULL;
        return expect(decoder, c, '\r', HTTP_TRAILER_END, &BAD_TRAILER);
    default: return expect(decoder, c, '\n', HTTP_TRAILER_START, &BAD_TRAILER);
    }
}

/* Everything but data, one byte. */
static error read_byte(struct http_chunked *decoder, char c, const struct buf *out)
{
    switch (decoder->state) {
    case HTTP_CHUNK_SIZE: return read_size(decoder, c, out);
    case HTTP_CHUNK_BLANK: return read_blank(decoder, c);
    case HTTP_CHUNK_EXTENSION: return read_extension(decoder, c);
    case HTTP_CHUNK_SIZE_END: return start_chunk(decoder, c);
    case HTTP_CHUNK_DATA_END: return expect(decoder, c, '\r', HTTP_CHUNK_DATA_END_FEED, &BAD_END);
    case HTTP_CHUNK_DATA_END_FEED: return expect(decoder, c, '\n', HTTP_CHUNK_SIZE, &BAD_END);
    case HTTP_CHUNKED_LAST: return expect(decoder, c, '\n', HTTP_CHUNKED_DONE, &BAD_TRAILER);
    default: return read_trailer(decoder, c);
    }
}

static size_t take_data(struct http_chunked *decoder, str in, struct buf *out)
{
    str piece = str_slice(in, 0, decoder->left);

    buf_add(out, piece);
    decoder->left -= piece.len;
    if (!decoder->left)
        decoder->state = HTTP_CHUNK_DATA_END;
    return piece.len;
}

error http_chunked_read(struct http_chunked *decoder, str in, struct buf *out, size_t *used)
{
    size_t at = 0;

    while (at < in.len && decoder->state != HTTP_CHUNKED_DONE) {
        if (decoder->state == HTTP_CHUNK_DATA)
            at += take_data(decoder, str_slice(in, at, in.len), out);
        else
            TRY(read_byte(decoder, in.at[at++], out));
    }
    if (buf_failed(out))
        return &ERROR_OUT_OF_MEMORY;
    *used = at;
    return NULL;
}
