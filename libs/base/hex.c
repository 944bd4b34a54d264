#include "base/hex.h"

static const char HEX[] = "0123456789abcdef";
static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = HEX[bytes[i] >> 4];
        *out++ = HEX[bytes[i] & 15];
    }
}

/* A digit's value plus one: a table, since the digits of an id are random and branches on them mispredicted. */
// clang-format off
static const uint8_t HEX_DIGIT[256] = {
    ['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};
// clang-format on

int hex_digit(char c)
{
    return HEX_DIGIT[(uint8_t)c] - 1;
}

bool hex_decode(str text, uint8_t *out, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.at[2 * i]), low = hex_digit(text.at[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

void base64url_encode(const uint8_t *bytes, size_t len, char *out)
{
    size_t i = 0;

    for (; i + 2 < len; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];

        *out++ = ALPHABET[three >> 18];
        *out++ = ALPHABET[three >> 12 & 63];
        *out++ = ALPHABET[three >> 6 & 63];
        *out++ = ALPHABET[three & 63];
    }
    if (i == len)
        return;
    uint32_t rest = (uint32_t)bytes[i] << 16 | (i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0);

    *out++ = ALPHABET[rest >> 18];
    *out++ = ALPHABET[rest >> 12 & 63];
    if (i + 1 < len)
        *out++ = ALPHABET[rest >> 6 & 63];
}

/* A digit's value plus one, 0 for what is no digit: the digits of a token are random, so
 * comparing them with ranges would cost a mispredicted branch every other one. */
// clang-format off
static const uint8_t DIGIT[256] = {
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
    ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};
// clang-format on

/* Negative for what is no digit. */
static int32_t digit_value(char c)
{
    return DIGIT[(uint8_t)c] - 1;
}

/* The last two or three digits, whose unused bits are zero. */
static bool decode_rest(const char *at, size_t digits, uint8_t *out)
{
    int32_t a = digit_value(at[0]), b = digit_value(at[1]),
            c = digits == 3 ? digit_value(at[2]) : 0;

    if ((a | b | c) < 0 || (digits == 3 ? c & 3 : b & 15))
        return false;
    out[0] = (uint8_t)(a << 2 | b >> 4);
    if (digits == 3)
        out[1] = (uint8_t)(b << 4 | c >> 2);
    return true;
}

bool base64url_decode(str text, uint8_t *out, size_t *len)
{
    size_t rest = text.len % 4, whole = text.len - rest;
    int32_t bad = 0;

    for (size_t i = 0; i < whole; i += 4) {
        int32_t a = digit_value(text.at[i]), b = digit_value(text.at[i + 1]);
        int32_t c = digit_value(text.at[i + 2]), d = digit_value(text.at[i + 3]);

        bad |= a | b | c | d;
        *out++ = (uint8_t)((uint32_t)a << 2 | (uint32_t)b >> 4);
        *out++ = (uint8_t)((uint32_t)b << 4 | (uint32_t)c >> 2);
        *out++ = (uint8_t)((uint32_t)c << 6 | (uint32_t)d);
    }
    if (bad < 0 || rest == 1 || (rest && !decode_rest(text.at + whole, rest, out)))
        return false;
    *len = whole / 4 * 3 + (rest ? rest - 1 : 0);
    return true;
}
