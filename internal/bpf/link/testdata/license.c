/* Has another license. */
char _license[] __attribute__((section("license"))) = "Dual MIT/GPL";
