// A program that calls a kernel function that there isn't.
#include "kernel.h"

extern void bpf_there_is_none(void) __ksym;

SEC("tc")
int calls(struct __sk_buff *skb)
{
	bpf_there_is_none();
	return 0;
}
