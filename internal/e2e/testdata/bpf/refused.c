// A program that the verifier takes, and one that it refuses.
#include "kernel.h"

SEC("xdp")
int good(struct xdp_md *ctx)
{
	return XDP_PASS;
}
SEC("xdp")
int unchecked(struct xdp_md *ctx)
{
	return *(__u8 *)(long)ctx->data;
}
