#include "apps/notification-service/texts.h"

enum { GROUP = 3, DIGITS_MAX = 32, DOMAIN_MAX = 100 };

const char *const mail_languages[] = { "ro", "en", NULL };

/* clang-format off */
static const struct locale {
    char group, point;
    const char *months[12];
} LOCALES[LANGUAGE_COUNT] = {
    [LANGUAGE_RO] = { '.', ',', {
        "ianuarie", "februarie", "martie", "aprilie", "mai", "iunie",
        "iulie", "august", "septembrie", "octombrie", "noiembrie", "decembrie",
    } },
    [LANGUAGE_EN] = { ',', '.', {
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    } },
};
/* clang-format on */

enum language language_named(str name, enum language otherwise)
{
    for (int i = 0; i < LANGUAGE_COUNT; i++)
        if (name.at && str_is(name, mail_languages[i]))
            return (enum language)i;
    return otherwise;
}

/* Writes the digits from the last one on, and gives where they begin. */
static const char *put_grouped(uint64_t value, char separator, char *end)
{
    char *at = end;

    *at = '\0';
    for (int digits = 0; digits == 0 || value; digits++) {
        if (digits && digits % GROUP == 0)
            *--at = separator;
        *--at = (char)('0' + value % 10);
        value /= 10;
    }
    return at;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

str text_of_money(struct arena *arena, money amount, enum language language)
{
    const struct locale *locale = &LOCALES[language];
    uint64_t minor = magnitude(amount.minor);
    char digits[DIGITS_MAX];
    const char *whole = put_grouped(minor / 100, locale->group, &digits[DIGITS_MAX - 1]);

    return arena_printf(arena, "%s%s%c%02u", amount.minor < 0 ? "-" : "", whole, locale->point,
                        (unsigned)(minor % 100));
}

str text_of_integer(struct arena *arena, int64_t value, enum language language)
{
    char digits[DIGITS_MAX];
    const char *text =
        put_grouped(magnitude(value), LOCALES[language].group, &digits[DIGITS_MAX - 1]);

    return arena_printf(arena, "%s%s", value < 0 ? "-" : "", text);
}

str text_of_time(struct arena *arena, timestamp time, enum language language)
{
    const struct calendar date = timestamp_calendar(time);

    return arena_printf(arena, "%d %s %d, %02d:%02d UTC", date.day,
                        LOCALES[language].months[date.month - 1], date.year, date.hour,
                        date.minute);
}

str text_of_uuid(struct arena *arena, uuid id)
{
    char text[UUID_TEXT];

    uuid_print(id, text);
    return arena_copy(arena, (str){ text, UUID_TEXT });
}

static bool is_host_name(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && c != '-' && (c != '.' || i == 0 || i + 1 == text.len))
            return false;
    }
    return text.len > 0 && text.len <= DOMAIN_MAX;
}

bool address_domain(str address, str *out)
{
    size_t open = str_find(address, '<'), close = str_find(address, '>');

    if (open < address.len) {
        if (close + 1 != address.len || close < open)
            return false;
        address = str_slice(address, open + 1, close - open - 1);
    }
    size_t at = str_find(address, '@');
    str domain = str_slice(address, at + 1, address.len);

    if (at == 0 || at == address.len || str_find(address, ' ') < at || !is_host_name(domain))
        return false;
    *out = domain;
    return true;
}

str message_id_of(struct arena *arena, uuid event_id, uuid recipient, str template, str domain)
{
    char event[UUID_TEXT], user[UUID_TEXT];

    uuid_print(event_id, event);
    uuid_print(recipient, user);
    return arena_printf(arena, "<%.*s.%.*s.%.*s@%.*s>", UUID_TEXT, event, UUID_TEXT, user,
                        STR_ARG(template), STR_ARG(domain));
}
