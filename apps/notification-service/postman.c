/* One fiber looks which rows are due and gives each a slot, of which there are POSTMAN_AT_ONCE; in a slot a fiber finds
 * the user, fills the templates, hands the mail over and notes what came of it. The looking fiber sleeps until a row is
 * inserted, a slot becomes free, or the next row is due; it does not poll. (While there are dead rows it looks every
 * POSTMAN_LOOK_MS: the command line may give one back, in another process.)
 *
 * A row stays pending until its end is on the disk. So a mail whose acceptance was not noted, because the process ended
 * in between, is sent again: with the same Message-ID, since that is a function of the row. What the server has taken is
 * noted at any price: as long as the store refuses, the slot keeps its row.
 *
 * A failure is the recipient's, the letter's or the server's. The first two are a matter of their row alone. When the
 * server is away, all rows would fail; so the circuit (circuit.h) holds them back, and each pause ends with a look at
 * the server (mail_check), which costs no row an attempt. */
#include "apps/notification-service/postman.h"
#include "apps/notification-service/circuit.h"
#include "apps/notification-service/contacts.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/random.h"

#include <stdlib.h>

enum {
    STORE_TIMEOUT_MS = 10 * 1000,
    SEND_TIMEOUT_MS = MAIL_CONNECT_TIMEOUT_MS + MAIL_TIMEOUT_MS,
    SLEEP_MAX_MS = 10 * 60 * 1000, /* the clock on the wall may be set */
    COMPLAIN_EVERY_MS = 10 * 1000,
};

#define TITLE "Mails"

/* One mail under way. */
struct slot {
    struct postman *postman;
    int64_t id; /* of its row; 0: free */
    struct arena *arena;
    struct call call; /* what its fiber does now */
};

struct postman {
    struct postman_options options;
    struct contacts *contacts;
    struct circuit circuit;
    struct slot slots[POSTMAN_AT_ONCE];
    unsigned busy; /* slots that are not free */
    uint64_t sent, failed;

    struct arena *arena; /* of the looking fiber's rounds */
    struct call call;    /* what it does now */
    struct wait woken, ended;
    bool stopping;
    uint64_t trim_ms, sent_ms, complained_ms;
};

static struct call call_for(const struct postman *postman, struct arena *arena, uint64_t timeout_ms)
{
    struct call call = call_new(arena, timeout_ms);

    call.service = postman->options.self;
    return call;
}

/* A call for the slot's next step, which does not begin when the postman is to stop. */
static struct call *next_step(struct slot *slot, uint64_t timeout_ms)
{
    slot->call = call_for(slot->postman, slot->arena, timeout_ms);
    slot->call.cancelled = slot->postman->stopping;
    return &slot->call;
}

/* --- one mail ------------------------------------------------------------------------------------- */

/* Whose a failure is. */
enum blame { BLAME_RECIPIENT, BLAME_LETTER, BLAME_SERVER };

static error write_letter(struct slot *slot, const struct delivery *row,
                          const struct contact *contact, struct mail *out)
{
    const struct postman_options *options = &slot->postman->options;
    const struct letter_facts facts = {
        .event = row->data.text,
        .event_at = row->event_at,
        .name = contact->name,
        .email = contact->email,
        .language = language_named(contact->language, options->language),
        .currency = options->currency,
    };
    struct mail_template *const *templates;
    const struct json *values;
    enum letter letter;

    if (!letter_named(row->template, &letter))
        return error_new(slot->arena, 400, "there is no template %.*s", STR_ARG(row->template));
    templates = options->templates->of[facts.language][letter];
    TRY(letter_values(slot->arena, letter, &facts, &values));
    TRY(template_fill(slot->arena, templates[LETTER_SUBJECT], LETTER_SUBJECT, values,
                      &out->subject));
    TRY(template_fill(slot->arena, templates[LETTER_TEXT], LETTER_TEXT, values, &out->text));
    return template_fill(slot->arena, templates[LETTER_HTML], LETTER_HTML, values, &out->html);
}

/* From the row to the server. The mail's date is the row's, so that it is the same mail each time. */
static error send_mail(struct slot *slot, struct delivery *row, enum blame *blame)
{
    const struct postman_options *options = &slot->postman->options;
    struct mail mail = { .from = options->from, .date = row->created_at };
    struct contact contact;

    *blame = BLAME_RECIPIENT;
    TRY(contacts_find(next_step(slot, CONTACT_TIMEOUT_MS), slot->postman->contacts,
                      options->self->system, row->recipient, &contact));
    row->address = mail.to = contact.email;
    *blame = BLAME_LETTER;
    row->message_id = mail.message_id =
        message_id_of(slot->arena, row->event_id, row->recipient, row->template, options->domain);
    if (!mail.message_id.at)
        return &ERROR_OUT_OF_MEMORY;
    TRY(write_letter(slot, row, &contact, &mail));
    *blame = BLAME_SERVER;
    return mail_send(next_step(slot, SEND_TIMEOUT_MS), options->mailer, &mail);
}

/* Whether trying again is pointless. */
static bool is_permanent(error failed, enum blame blame)
{
    switch (blame) {
    case BLAME_RECIPIENT: return failed->status == 404 || failed->status == 400;
    case BLAME_LETTER: return failed != &ERROR_OUT_OF_MEMORY;
    case BLAME_SERVER: return failed->status == 400 || failed->status == 422;
    }
    return false;
}

/* What this mail says about the server; a mail that was refused on this side says nothing. */
static void note_server(struct postman *postman, error failed)
{
    if (failed && failed->status != 400 && failed->status != 422) {
        if (circuit_failed(&postman->circuit, clock_ms(), random_below(UINT32_MAX)))
            log_warn(TITLE, "mails wait: %s", failed->message);
    } else if (!failed || failed->status == 422) {
        if (circuit_passed(&postman->circuit))
            log_info(TITLE, "mails go out again");
    }
}

static void complain(struct postman *postman, const struct delivery *row)
{
    if (clock_ms() < postman->complained_ms + COMPLAIN_EVERY_MS)
        return;
    postman->complained_ms = clock_ms();
    log_warn(TITLE, "mail %lld (%.*s) has to wait: %.*s", (long long)row->id,
             STR_ARG(row->template), STR_ARG(row->failure));
}

static void note_failure(struct postman *postman, struct delivery *row, error failed,
                         enum blame blame)
{
    delivery_failed(row, failed, is_permanent(failed, blame), clock_now(),
                    random_below(UINT32_MAX));
    postman->failed++;
    if (row->state == DELIVERY_DEAD)
        log_error(TITLE, "mail %lld (%.*s) is dead after attempt %lld: %.*s", (long long)row->id,
                  STR_ARG(row->template), (long long)row->attempts, STR_ARG(row->failure));
    else if (blame == BLAME_RECIPIENT)
        complain(postman, row);
}

static void note_success(struct postman *postman, struct delivery *row)
{
    row->state = DELIVERY_SENT;
    row->settled_at = clock_now();
    row->failure = (str){ NULL, 0 };
    postman->sent_ms = clock_ms();
    postman->sent++;
    log_debug(TITLE, "mail %lld (%.*s) was handed over", (long long)row->id,
              STR_ARG(row->template));
}

/* Also while the postman stops. */
static void write_down(struct slot *slot, const struct delivery *row)
{
    struct postman *postman = slot->postman;
    error failed;

    for (;;) {
        slot->call = call_for(postman, slot->arena, STORE_TIMEOUT_MS);
        failed = delivery_note(&slot->call, postman->options.db, row);
        if (!failed)
            return;
        log_failure(TITLE, "noting what became of a mail", failed);
        if (postman->stopping || call_sleep(next_step(slot, STORE_TIMEOUT_MS), POSTMAN_PAUSE_MS))
            return;
    }
}

/* The row may have been settled since it was seen to be due. */
static bool find_due(struct slot *slot, struct delivery *out)
{
    error failed =
        delivery_find(next_step(slot, STORE_TIMEOUT_MS), slot->postman->options.db, slot->id, out);

    if (!failed)
        return out->state == DELIVERY_PENDING && out->next_try_at.ms <= clock_now().ms;
    if (failed != &DB_NO_ROW && !slot->postman->stopping) {
        log_failure(TITLE, "reading a delivery", failed);
        call_sleep(next_step(slot, STORE_TIMEOUT_MS), POSTMAN_PAUSE_MS);
    }
    return false;
}

static void deliver(struct slot *slot)
{
    struct postman *postman = slot->postman;
    enum blame blame = BLAME_RECIPIENT;
    struct delivery row;

    if (!find_due(slot, &row))
        return;
    error failed = send_mail(slot, &row, &blame);

    if (failed == &ERROR_CANCELLED)
        return;
    if (blame == BLAME_SERVER)
        note_server(postman, failed);
    if (failed)
        note_failure(postman, &row, failed, blame);
    else
        note_success(postman, &row);
    write_down(slot, &row);
}

static void run_slot(void *argument)
{
    struct slot *slot = argument;

    deliver(slot);
    arena_reset(slot->arena);
    slot->id = 0;
    slot->postman->busy--;
    postman_wake(slot->postman);
}

/* --- looking ------------------------------------------------------------------------------------- */

static struct call *next_call(struct postman *postman, uint64_t timeout_ms)
{
    postman->call = call_for(postman, postman->arena, timeout_ms);
    postman->call.cancelled = postman->stopping;
    return &postman->call;
}

/* A free slot for the row, or NULL when it has one, or there is none. */
static struct slot *slot_for(struct postman *postman, int64_t id)
{
    struct slot *free = NULL;

    for (int i = 0; i < POSTMAN_AT_ONCE; i++) {
        if (postman->slots[i].id == id)
            return NULL;
        if (!postman->slots[i].id)
            free = &postman->slots[i];
    }
    return free;
}

static error start_slot(struct slot *slot, int64_t id)
{
    slot->id = id;
    slot->postman->busy++;
    error failed = fiber_start(run_slot, slot);

    if (failed) {
        slot->id = 0;
        slot->postman->busy--;
    }
    return failed;
}

/* At the end of a pause: whether the server is there again, before a mail is tried. */
static bool server_is_there(struct postman *postman)
{
    if (!postman->circuit.failures)
        return true;
    error failed = mail_check(next_call(postman, SEND_TIMEOUT_MS), postman->options.mailer);

    if (failed && !postman->stopping)
        circuit_failed(&postman->circuit, clock_ms(), random_below(UINT32_MAX));
    return !failed;
}

static unsigned places(const struct postman *postman)
{
    unsigned limit = circuit_limit(&postman->circuit, clock_ms(), POSTMAN_AT_ONCE);

    return limit > postman->busy ? limit - postman->busy : 0;
}

/* Those under way are still pending, and may be the first ones. */
static error hand_out(struct postman *postman, timestamp now)
{
    int64_t *ids;
    size_t count;

    if (!places(postman))
        return NULL;
    TRY(delivery_due(next_call(postman, STORE_TIMEOUT_MS), postman->options.db, now,
                     POSTMAN_AT_ONCE + postman->busy, &ids, &count));
    for (size_t i = 0; i < count && places(postman) && !postman->stopping; i++) {
        struct slot *slot = slot_for(postman, ids[i]);

        if (!slot)
            continue;
        if (!server_is_there(postman))
            return NULL;
        TRY(start_slot(slot, ids[i]));
    }
    return NULL;
}

static error trim(struct postman *postman)
{
    bool more;

    if (clock_ms() < postman->trim_ms)
        return NULL;
    TRY(delivery_trim(next_call(postman, STORE_TIMEOUT_MS), postman->options.db, clock_now(),
                      &more));
    postman->trim_ms = clock_ms() + POSTMAN_TRIM_EVERY_MS;
    if (more) {
        postman->trim_ms = 0;
        postman_wake(postman);
    }
    return NULL;
}

/* How long there is nothing to do, unless somebody wakes us. Everything that was due at `now` has a slot, or waits for
 * one, or for the server. */
static error idle_ms(struct postman *postman, timestamp now, uint64_t *out)
{
    struct delivery_outlook outlook;
    uint64_t resume_ms = postman->circuit.resume_ms, now_ms = clock_ms();
    uint64_t idle = CALL_TIMEOUT_MAX_MS;

    TRY(delivery_outlook(next_call(postman, STORE_TIMEOUT_MS), postman->options.db, now, &outlook));
    if (outlook.next_try_at.ms)
        idle = (uint64_t)(outlook.next_try_at.ms - now.ms);
    if (outlook.next_try_at.ms && idle > SLEEP_MAX_MS)
        idle = SLEEP_MAX_MS;
    if (outlook.any_dead && idle > POSTMAN_LOOK_MS)
        idle = POSTMAN_LOOK_MS;
    if (postman->circuit.failures && resume_ms > now_ms && idle > resume_ms - now_ms)
        idle = resume_ms - now_ms;
    *out = idle;
    return NULL;
}

static error look(struct postman *postman, uint64_t *idle)
{
    timestamp now = clock_now();

    TRY(hand_out(postman, now));
    TRY(trim(postman));
    return idle_ms(postman, now, idle);
}

static void run_looks(void *argument)
{
    struct postman *postman = argument;

    while (!postman->stopping) {
        uint64_t idle = POSTMAN_PAUSE_MS;

        arena_reset(postman->arena);
        postman->woken = (struct wait){ 0 };
        error failed = look(postman, &idle);

        if (failed && !postman->stopping)
            log_failure(TITLE, "looking for mails that are due", failed);
        call_wait(next_call(postman, idle), &postman->woken);
    }
    wait_done(&postman->ended);
}

/* --- from outside -------------------------------------------------------------------------------- */

static error make_slots(struct postman *postman)
{
    for (int i = 0; i < POSTMAN_AT_ONCE; i++) {
        postman->slots[i] = (struct slot){ .postman = postman, .arena = arena_new(ARENA_CALL_MAX) };
        if (!postman->slots[i].arena)
            return &ERROR_OUT_OF_MEMORY;
    }
    return NULL;
}

error postman_start(const struct postman_options *options, struct postman **out)
{
    struct postman *postman = calloc(1, sizeof *postman);

    if (!postman)
        return &ERROR_OUT_OF_MEMORY;
    *out = postman;
    postman->options = *options;
    if (!postman->options.stuck_ms)
        postman->options.stuck_ms = POSTMAN_STUCK_MS;
    postman->arena = arena_new(ARENA_CALL_MAX);
    postman->contacts = contacts_new();
    postman->sent_ms = clock_ms();
    postman->ended.done = true;
    if (!postman->arena || !postman->contacts)
        return &ERROR_OUT_OF_MEMORY;
    TRY(make_slots(postman));
    postman->ended.done = false;
    error failed = fiber_start(run_looks, postman);

    postman->ended.done = failed != NULL;
    return failed;
}

void postman_wake(struct postman *postman)
{
    wait_done(&postman->woken);
}

/* A mail that a thread is handing over is waited for, however long: its end is worth noting. */
void postman_stop(struct postman *postman)
{
    if (!postman)
        return;
    struct call call = call_new(postman->arena, CALL_TIMEOUT_MAX_MS);

    postman->stopping = true;
    call_cancel(&postman->call);
    for (int i = 0; i < POSTMAN_AT_ONCE; i++)
        call_cancel(&postman->slots[i].call);
    call_wait_done(&call, &postman->ended);
    while (postman->busy) {
        postman->woken = (struct wait){ 0 };
        call_wait_done(&call, &postman->woken);
    }
    for (int i = 0; i < POSTMAN_AT_ONCE; i++)
        arena_free(postman->slots[i].arena);
    arena_free(postman->arena);
    contacts_free(postman->contacts);
    free(postman);
}

struct postman_counts postman_counts(const struct postman *postman)
{
    return (struct postman_counts){
        .sent = postman->sent,
        .failed = postman->failed,
        .under_way = postman->busy,
        .server_away = postman->circuit.failures > 0,
    };
}

error postman_stuck(struct call *call, const struct postman *postman, str *why)
{
    int64_t sent_ago_ms = (int64_t)(clock_ms() - postman->sent_ms);
    int64_t stuck_ms = (int64_t)postman->options.stuck_ms;
    struct delivery_queue queue;

    TRY(delivery_queue(call, postman->options.db, &queue));
    *why = (str){ NULL, 0 };
    if (!queue.pending || sent_ago_ms < stuck_ms || clock_now().ms - queue.since.ms < stuck_ms)
        return NULL;
    *why = arena_printf(call->arena, "mails wait: %lld; none has gone out for %lld s",
                        (long long)queue.pending, (long long)(sent_ago_ms / 1000));
    return why->at ? NULL : &ERROR_OUT_OF_MEMORY;
}
