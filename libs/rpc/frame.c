/* A frame is read in one pass over its bytes, in whatever pieces they arrive:
 *
 *     blanks  sign  digits  anything  #  text of `length` code units
 *     └──────── as parseInt reads ────┘
 *
 * so ` 40#`, `+40#`, `40.9x#` are all 40. Nothing of the length is stored but its value, and of the text
 * nothing while it lies whole in the input, which is the usual case: the text is then a span of it. Else
 * its bytes are kept, and only those that have arrived: a length that promises much costs nothing.
 *
 * A surrogate pair that the end of the frame would cut in two cannot be the end of a JSON text. */
#include "rpc/frame.h"

#include <string.h>

enum { UTF8_UNIT_MAX = 3 }; /* bytes that a code unit takes at most */

const struct error RPC_CORRUPT_LENGTH =
    ERROR(400, "Corrupted length value of the received data supplied in a packet");
const struct error RPC_FRAME_TOO_LONG =
    ERROR(413, "The packet length exceeds the maximum allowed length");
const struct error RPC_NOT_JSON = ERROR(400, "The invalid received message from tcp server");

/* --- UTF-8 --------------------------------------------------------------------------------------- */

enum step {
    STEP_MORE,         /* the byte belongs to a character that goes on */
    STEP_CHARACTER,    /* the byte ended one: decoder->code */
    STEP_INVALID,      /* the byte is none of a character's */
    STEP_INVALID_AGAIN /* what came before was not whole; the byte is to be looked at again */
};

static enum step begin_character(struct rpc_decoder *decoder, uint8_t byte)
{
    if (byte < 0x80) {
        decoder->code = byte;
        return STEP_CHARACTER;
    }
    if (byte < 0xC2 || byte > 0xF4)
        return STEP_INVALID;
    decoder->needed = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    decoder->code = byte & (0x3F >> decoder->needed);
    decoder->low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    decoder->high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    return STEP_MORE;
}

static enum step decode(struct rpc_decoder *decoder, uint8_t byte)
{
    if (!decoder->needed)
        return begin_character(decoder, byte);
    if (byte < decoder->low || byte > decoder->high) {
        decoder->needed = 0;
        return STEP_INVALID_AGAIN;
    }
    decoder->code = decoder->code << 6 | (byte & 0x3F);
    decoder->low = 0x80;
    decoder->high = 0xBF;
    return --decoder->needed ? STEP_MORE : STEP_CHARACTER;
}

static size_t units_of(enum step step, uint32_t code)
{
    switch (step) {
    case STEP_MORE: return 0;
    case STEP_CHARACTER: return code >= 0x10000 ? 2 : 1;
    default: return 1;
    }
}

/* Bytes at the front that are ASCII. */
static size_t ascii_run(str text)
{
    size_t i = 0;
    uint64_t eight;

    for (; i + sizeof eight <= text.len; i += sizeof eight) {
        memcpy(&eight, text.at + i, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < text.len && !(text.at[i] & 0x80))
        i++;
    return i;
}

/* Counts code units up to `max` (one more when a pair spans it) or the end; gives the bytes looked at. */
static size_t count_units(struct rpc_decoder *decoder, str text, size_t max, size_t *units)
{
    size_t i = 0;

    while (i < text.len && *units < max) {
        if (!decoder->needed) {
            size_t run = ascii_run(str_slice(text, i, max - *units));

            i += run;
            *units += run;
            if (i == text.len || *units == max)
                break;
        }
        enum step step = decode(decoder, (uint8_t)text.at[i]);

        *units += units_of(step, decoder->code);
        i += step != STEP_INVALID_AGAIN;
    }
    return i;
}

size_t rpc_utf16_units(str text)
{
    struct rpc_decoder decoder = { 0 };
    size_t units = 0;

    count_units(&decoder, text, SIZE_MAX, &units);
    return units + (decoder.needed > 0);
}

/* --- the length ---------------------------------------------------------------------------------- */

/* White space and line ends of ECMAScript. */
static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000 || c == 0xFEFF;
}

static void take_digit(struct rpc_frame_reader *reader, uint32_t digit)
{
    const uint64_t enough = UINT64_MAX / 10 - 1;

    reader->phase = RPC_LENGTH_DIGITS;
    if (reader->length < enough)
        reader->length = reader->length * 10 + digit;
}

static void take_length_character(struct rpc_frame_reader *reader, uint32_t c)
{
    if (reader->phase == RPC_LENGTH_REST || reader->phase == RPC_LENGTH_BAD)
        return;
    if (c >= '0' && c <= '9') {
        take_digit(reader, c - '0');
    } else if (reader->phase == RPC_LENGTH_DIGITS) {
        reader->phase = RPC_LENGTH_REST;
    } else if (reader->phase == RPC_LENGTH_BLANK && (c == '+' || c == '-')) {
        reader->phase = RPC_LENGTH_SIGN;
        reader->negative = c == '-';
    } else if (reader->phase != RPC_LENGTH_BLANK || !is_blank(c)) {
        reader->phase = RPC_LENGTH_BAD;
    }
}

/* What a length is worth once `#` has been read. */
static error check_length(const struct rpc_frame_reader *reader)
{
    if (reader->phase != RPC_LENGTH_DIGITS && reader->phase != RPC_LENGTH_REST)
        return &RPC_CORRUPT_LENGTH;
    if (reader->negative || reader->length == 0)
        return &RPC_NOT_JSON;
    return reader->length > reader->max ? &RPC_FRAME_TOO_LONG : NULL;
}

/* Reads to behind `#`, or to the end. */
static error read_length(struct rpc_frame_reader *reader, str input, size_t *used)
{
    const uint32_t replacement = 0xFFFD;
    size_t i = 0;

    while (i < input.len && !reader->in_text) {
        enum step step = decode(&reader->decoder, (uint8_t)input.at[i]);
        bool whole = step == STEP_CHARACTER;

        i += step != STEP_INVALID_AGAIN;
        if (step == STEP_MORE)
            continue;
        if (whole && reader->decoder.code == '#')
            reader->in_text = true;
        else if (++reader->prefix > reader->max)
            return &RPC_FRAME_TOO_LONG;
        else
            take_length_character(reader, whole ? reader->decoder.code : replacement);
    }
    *used = i;
    return reader->in_text ? check_length(reader) : NULL;
}

/* --- the text ------------------------------------------------------------------------------------ */

/* Between two frames. */
static void start_over(struct rpc_frame_reader *reader)
{
    *reader = (struct rpc_frame_reader){ .max = reader->max, .kept = reader->kept };
}

static error read_text(struct rpc_frame_reader *reader, str input, size_t *used, str *text)
{
    *used = count_units(&reader->decoder, input, (size_t)reader->length, &reader->units);
    bool whole = reader->units >= reader->length;
    str piece = str_slice(input, 0, *used);

    if (reader->units > reader->length)
        return &RPC_NOT_JSON;
    if (whole && !reader->kept.len) {
        *text = piece;
    } else {
        buf_add(&reader->kept, piece);
        if (buf_failed(&reader->kept))
            return &ERROR_OUT_OF_MEMORY;
        if (whole)
            *text = buf_text(&reader->kept);
    }
    if (whole)
        start_over(reader);
    return NULL;
}

struct rpc_frame_reader rpc_frame_reader_new(size_t max)
{
    return (struct rpc_frame_reader){ .max = max, .kept = buf_new(max * UTF8_UNIT_MAX) };
}

void rpc_frame_reader_free(struct rpc_frame_reader *reader)
{
    buf_free(&reader->kept);
}

error rpc_frame_read(struct rpc_frame_reader *reader, str input, size_t *used, str *text)
{
    size_t length_used = 0, text_used = 0;

    *text = (str){ NULL, 0 };
    if (!rpc_frame_is_partial(reader) && reader->kept.at)
        buf_free(&reader->kept);
    if (!reader->in_text)
        TRY(read_length(reader, input, &length_used));
    if (reader->in_text)
        TRY(read_text(reader, str_slice(input, length_used, SIZE_MAX), &text_used, text));
    *used = length_used + text_used;
    return NULL;
}

bool rpc_frame_is_partial(const struct rpc_frame_reader *reader)
{
    return reader->in_text || reader->prefix || reader->decoder.needed;
}

size_t rpc_frame_held(const struct rpc_frame_reader *reader)
{
    return reader->kept.capacity;
}

void rpc_frame_write(struct buf *out, str text)
{
    buf_add_uint(out, rpc_utf16_units(text));
    buf_add_char(out, '#');
    buf_add(out, text);
}
