/* A program with functions inlined two deep, for the tests of source lines: see build.sh. */
static volatile int sink;

static inline __attribute__((always_inline)) void put(int n)
{
	sink = n;
}

static inline __attribute__((always_inline)) void add(int n)
{
	if (n > 3)
		put(n * 2);
	put(n);
}

__attribute__((noinline)) void sell(int n)
{
	sink++;
	add(n);
}

void _start(void)
{
	sell(sink);
	for (;;)
		;
}
