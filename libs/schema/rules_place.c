/* Countries, coordinates, and what is particular to Romania. */
#include "schema/rules_internal.h"

/* ISO 3166-1 alpha-2. */
static const struct codes COUNTRIES = {
    2,
    STR_INIT(
        "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
        "BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
        "DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
        "GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
        "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
        "MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
        "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
        "VN VU WF WS YE YT ZA ZM ZW ")
};

/* In any case of ASCII letters (the library takes a sharp s for SS, South Sudan). */
bool schema_is_iso31661_alpha2(str text)
{
    return schema_is_code(text, &COUNTRIES);
}

static bool take_decimals(struct scan *scan)
{
    return !scan_char(scan, '.') || scan_number(scan);
}

/* A number up to `limit`, whose decimals are zeros when it is the limit itself. */
static bool is_degrees(struct scan *scan, uint64_t limit, size_t digits)
{
    const char *start = scan->at;
    size_t len = scan_while(scan, scan_is_digit);
    uint64_t degrees;

    if (len < 1 || len > digits || !str_to_uint((str){ start, len }, limit, &degrees) ||
        (len == digits && digits == 3 && *start == '0'))
        return false;
    start = scan->at;
    if (!take_decimals(scan))
        return false;
    for (; degrees == limit && start < scan->at; start++)
        if (*start != '.' && *start != '0')
            return false;
    return true;
}

static bool is_lat(str text)
{
    struct scan scan = scan_of(text);

    scan_char(&scan, '(');
    scan_one_of(&scan, "+-");
    if (scan_peek(&scan) == '0' && scan.end - scan.at > 1 && scan_is_digit(scan.at[1]))
        return false;
    return is_degrees(&scan, 90, 2) && scan_end(&scan);
}

static bool is_long(str text)
{
    struct scan scan = scan_of(text);

    scan_space(&scan);
    scan_one_of(&scan, "+-");
    if (!is_degrees(&scan, 180, 3))
        return false;
    scan_char(&scan, ')');
    return scan_end(&scan);
}

/* Both or neither in a parenthesis. */
static bool is_pair(str lat, str longitude)
{
    return str_starts_with(lat, STR("(")) == str_ends_with(longitude, STR(")")) && is_lat(lat) &&
           is_long(longitude);
}

/* The library splits at the commas and looks at the first two pieces. */
bool schema_is_lat_long(str text)
{
    str rest = text, lat, longitude;

    return str_next_piece(&rest, ',', &lat) && str_next_piece(&rest, ',', &longitude) &&
           is_pair(lat, longitude);
}

/* It judges a latitude as the pair "<text>,0", a longitude as "0,<text>". */
bool schema_is_latitude(str text)
{
    str rest = text, lat, longitude;

    str_next_piece(&rest, ',', &lat);
    return is_pair(lat, str_next_piece(&rest, ',', &longitude) ? longitude : STR("0"));
}

bool schema_is_longitude(str text)
{
    return is_pair(STR("0"), str_slice(text, 0, str_find(text, ',')));
}

static bool take_separator(struct scan *scan, const char *set)
{
    return scan_space(scan) || scan_one_of(scan, set);
}

/* +40, 40 or 0; then 7dd ddd ddd, each group apart from the next by at most one separator. */
bool schema_is_mobile_phone_ro(str text)
{
    struct scan scan = scan_of(text);

    if (!scan_char(&scan, '0')) {
        scan_char(&scan, '+');
        if (!scan_char(&scan, '4') || !scan_char(&scan, '0'))
            return false;
    }
    scan_space(&scan);
    if (!scan_char(&scan, '7') || !scan_digits(&scan, 2))
        return false;
    take_separator(&scan, "/.-");
    if (!scan_digits(&scan, 3))
        return false;
    take_separator(&scan, ".-");
    return scan_digits(&scan, 3) && scan_end(&scan);
}

bool schema_is_postal_code_ro(str text)
{
    struct scan scan = scan_of(text);

    return scan_digits(&scan, 6) && scan_end(&scan);
}
