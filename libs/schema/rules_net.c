/* Addresses of machines: IP, port, MAC. */
#include "schema/rules_internal.h"

#include <string.h>

enum {
    GROUPS = 8,    /* of 16 bits in an IPv6 address */
    V4_GROUPS = 2, /* what an IPv4 address at its end takes */
    MAC_48 = 6,
    MAC_64 = 8,
};

static bool take_octet(struct scan *scan)
{
    const char *start = scan->at;
    size_t len = scan_while(scan, scan_is_digit);
    uint64_t value;

    return len >= 1 && len <= 3 && (*start != '0' || len == 1) &&
           str_to_uint((str){ start, len }, 255, &value);
}

static bool take_ipv4(struct scan *scan)
{
    for (int octet = 0; octet < 4; octet++)
        if ((octet && !scan_char(scan, '.')) || !take_octet(scan))
            return false;
    return true;
}

bool schema_is_ipv4(str text)
{
    struct scan scan = scan_of(text);

    return take_ipv4(&scan) && scan_end(&scan);
}

static bool zone_character(char c)
{
    return scan_is_letter(c) || scan_is_digit(c) || c == '.';
}

/* Groups joined by colons, the last of which may be an IPv4 address; how many groups they stand
 * for, or -1. Stops before `::`. */
static int take_groups(struct scan *scan, bool *v4)
{
    int groups = 0;

    *v4 = false;
    for (;;) {
        struct scan ahead = *scan;

        if (take_ipv4(&ahead) && scan_end(&ahead)) {
            *scan = ahead;
            *v4 = true;
            return groups + V4_GROUPS;
        }
        size_t len = scan_while(scan, scan_is_hex_digit);

        if (len < 1 || len > 4 || ++groups > GROUPS)
            return -1;
        ahead = *scan;
        if (!scan_char(&ahead, ':') || scan_peek(&ahead) == ':')
            return groups;
        *scan = ahead;
    }
}

static bool take_double_colon(struct scan *scan)
{
    struct scan ahead = *scan;

    if (!scan_char(&ahead, ':') || !scan_char(&ahead, ':'))
        return false;
    *scan = ahead;
    return true;
}

/* `::` stands for at least one group of zeros, except that the library lets it stand for none at
 * the end or the beginning of seven groups. */
static bool is_address(str text)
{
    struct scan scan = scan_of(text);
    bool v4 = false;
    int groups = 0;

    if (!take_double_colon(&scan)) {
        groups = take_groups(&scan, &v4);
        if (groups < 0)
            return false;
        if (scan_end(&scan))
            return groups == GROUPS;
        if (v4 || !take_double_colon(&scan))
            return false;
    }
    int more = scan_end(&scan) ? 0 : take_groups(&scan, &v4);

    return more >= 0 && scan_end(&scan) && groups + more < GROUPS;
}

bool schema_is_ipv6(str text)
{
    size_t percent = str_find(text, '%');

    if (percent < text.len) {
        struct scan zone = scan_of(str_slice(text, percent + 1, text.len));

        if (!scan_while(&zone, zone_character) || !scan_end(&zone))
            return false;
    }
    return is_address(str_slice(text, 0, percent));
}

bool schema_is_ip(str text)
{
    return schema_is_ipv4(text) || schema_is_ipv6(text);
}

/* A decimal integer without leading zeros; the library allows a sign. */
bool schema_is_port(str text)
{
    struct scan scan = scan_of(text);
    bool negative = scan_peek(&scan) == '-';
    uint64_t port;

    scan_one_of(&scan, "+-");
    str digits = scan_rest(&scan);

    return (digits.len == 1 || scan_peek(&scan) != '0') &&
           str_to_uint(digits, negative ? 0 : UINT16_MAX, &port);
}

static bool take_hex(struct scan *scan, int count)
{
    for (int i = 0; i < count; i++, scan->at++)
        if (scan_end(scan) || !scan_is_hex_digit(*scan->at))
            return false;
    return true;
}

/* Pairs of digits joined by one separator, the same throughout. */
static bool is_pairs(str text, int pairs)
{
    struct scan scan = scan_of(text);
    unsigned separator = 0;

    for (int i = 0; i < pairs; i++) {
        unsigned found = 0;

        if (i > 0) {
            found = scan_char(&scan, ':') ? ':' : scan_char(&scan, '-') ? '-' : scan_space(&scan);
            if (!found || (separator && found != separator))
                return false;
            separator = found;
        }
        if (!take_hex(&scan, 2))
            return false;
    }
    return scan_end(&scan);
}

static bool is_quads(str text, int quads)
{
    struct scan scan = scan_of(text);

    for (int i = 0; i < quads; i++)
        if ((i > 0 && !scan_char(&scan, '.')) || !take_hex(&scan, 4))
            return false;
    return scan_end(&scan);
}

bool schema_is_mac_address(str text)
{
    return is_pairs(text, MAC_48) || is_pairs(text, MAC_64) || is_quads(text, MAC_48 / 2) ||
           is_quads(text, MAC_64 / 2);
}
