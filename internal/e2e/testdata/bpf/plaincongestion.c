// A TCP congestion control, registered without a link, and an optional one.
#include "congestion.h"

struct sock;
struct tcp_congestion_ops___mine {
	void (*init)(struct sock *sk);
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC(".struct_ops")
struct tcp_congestion_ops___mine skep_plain = {
	.ssthresh = (void *)ssthresh,
	.cong_avoid = (void *)cong_avoid,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "skep_plain",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___mine skep_optional = {
	.ssthresh = (void *)ssthresh,
	.name = "skep_optional",
};
