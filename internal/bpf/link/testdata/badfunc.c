/* Declares a function of lib.c's with another parameter. */
#include "bpf.h"
extern int scale(int by, struct owner *o);
SEC("xdp")
int badfunc(void *ctx) { return scale(1, ctx); }
