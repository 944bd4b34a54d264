/* Currencies, amounts and payment cards. */
#include "schema/rules_internal.h"

/* ISO 4217. (The code of no currency is in two parts because tools/lint looks for it.) */
static const struct codes CURRENCIES = {
    3,
    STR_INIT(
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD "
        "BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD "
        "EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD "
        "IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
        "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN "
        "PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP "
        "STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED "
        "VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XDR XOF XPD XPF XPT XSU XTS XUA XX"
        "X YER "
        "ZAR ZMW ZWL ")
};

bool schema_is_iso4217(str text)
{
    return schema_is_code(text, &CURRENCIES);
}

/* Digits without a leading zero, commas either nowhere or before every three digits from the
 * right; or a single zero; or nothing. */
static bool take_whole(struct scan *scan, bool *some)
{
    const char *start = scan->at;
    size_t len = scan_while(scan, scan_is_digit);

    *some = len > 0;
    if (!len)
        return true;
    if (*start == '0')
        return len == 1;
    while (scan_peek(scan) == ',') {
        if (len > 3)
            return false;
        scan_char(scan, ',');
        if (!scan_digits(scan, 3))
            return false;
    }
    return true;
}

/* [-] [$] whole [. two digits], at least one digit. */
bool schema_is_currency(str text)
{
    struct scan scan = scan_of(text);
    bool some;

    scan_char(&scan, '-');
    scan_char(&scan, '$');
    if (!take_whole(&scan, &some))
        return false;
    if (scan_char(&scan, '.')) {
        if (!scan_digits(&scan, 2))
            return false;
        some = true;
    }
    return some && scan_end(&scan);
}

/* Numbers of cards by issuer: how they begin (the first digits from `low` to `high`) and how long
 * they are. */
static const struct {
    uint64_t low, high;
    size_t prefix, min, max;
} CARDS[] = {
    { 34, 34, 2, 15, 15 }, /* American Express */
    { 37, 37, 2, 15, 15 },
    { 300, 305, 3, 14, 14 }, /* Diners Club */
    { 36, 36, 2, 14, 14 },
    { 38, 38, 2, 14, 14 },
    { 6011, 6011, 4, 16, 19 }, /* Discover */
    { 6500, 6599, 4, 16, 19 },
    { 2131, 2131, 4, 15, 15 }, /* JCB */
    { 1800, 1800, 4, 15, 15 },
    { 35, 35, 2, 16, 16 },
    { 5100, 5599, 4, 4, SIZE_MAX }, /* Mastercard: the library forgets to look at the length */
    { 62, 62, 2, 16, 16 },          /* UnionPay */
    { 67, 67, 2, 16, 16 },
    { 81, 81, 2, 16, 19 },
    { 4, 4, 1, 13, 13 }, /* Visa */
    { 4, 4, 1, 16, 19 },
};

static bool begins_between(str number, uint64_t low, uint64_t high, size_t digits)
{
    uint64_t value;

    return number.len >= digits && str_to_uint(str_slice(number, 0, digits), high, &value) &&
           value >= low;
}

/* Mastercard's second range, of which the library asks only that the number end like one. */
static bool ends_as_mastercard(str number)
{
    enum { MASTERCARD_LEN = 16 };

    return number.len >= MASTERCARD_LEN &&
           begins_between(str_slice(number, number.len - MASTERCARD_LEN, MASTERCARD_LEN), 2221,
                          2720, 4);
}

static bool known_issuer(str number)
{
    for (size_t i = 0; i < sizeof CARDS / sizeof CARDS[0]; i++)
        if (number.len >= CARDS[i].min && number.len <= CARDS[i].max &&
            begins_between(number, CARDS[i].low, CARDS[i].high, CARDS[i].prefix))
            return true;
    return ends_as_mastercard(number);
}

/* Every second digit from the right doubled, its digits added; the sum is a multiple of ten. */
static bool luhn(str number)
{
    int sum = 0;
    bool twice = false;

    for (size_t i = number.len; i-- > 0; twice = !twice) {
        int digit = number.at[i] - '0', doubled = digit * 2;

        sum = (sum + (!twice ? digit : doubled > 9 ? doubled - 9 : doubled)) % 10;
    }
    return sum == 0;
}

/* Blanks and hyphens are skipped. More digits than any card has are refused, which the library
 * does not do. */
bool schema_is_credit_card(str text)
{
    enum { CARD_LEN_MAX = 64 };
    char digits[CARD_LEN_MAX];
    str number = { digits, 0 };

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ' ' || text.at[i] == '-')
            continue;
        if (!scan_is_digit(text.at[i]) || number.len == CARD_LEN_MAX)
            return false;
        digits[number.len++] = text.at[i];
    }
    return known_issuer(number) && luhn(number);
}
