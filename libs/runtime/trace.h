/* The trace that a call belongs to, in W3C Trace Context's text form (`traceparent`). */
#pragma once

#include "runtime/call.h"

enum { TRACE_TEXT = 55 }; /* bytes of the text */

/* Reads a traceparent header (W3C Trace Context section 3.2). False, and `*out` untouched, when it is none. */
bool trace_parse(str text, struct trace *out);

/* A new trace with a new span. */
struct trace trace_new(void);

/* Whether the call has a trace. */
bool trace_is_set(const struct trace *trace);

/* Writes TRACE_TEXT bytes and a NUL. */
void trace_print(const struct trace *trace, char out[TRACE_TEXT + 1]);
