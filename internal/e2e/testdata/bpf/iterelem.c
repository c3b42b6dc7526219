// An iterator that prints a map's elements.
#include "kernel.h"

SEC("iter/bpf_map_elem")
int elements(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key, *value = ctx->value;
	if (key && value)
		BPF_SEQ_PRINTF(ctx->meta->seq, "%d = %d\n", *key, *value);
	return 0;
}
