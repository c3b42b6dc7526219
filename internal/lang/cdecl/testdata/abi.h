#ifndef ABI_H
#define ABI_H
#include <stdint.h>
#include <stddef.h>
#define BITS(n) (1u << (n))
#define PASTE(a, b) a##b
#define FIELD(type, n) type PASTE(field_, n)
#define EACH(...) struct { __VA_ARGS__ }
#if __SIZEOF_POINTER__ == 8 && defined(__LP64__) && !defined(ABI_32)
#define WORDS 2
#else
#error not a 64-bit machine
#endif
enum flags { F_NONE, F_ONE = BITS(0), F_TWO = BITS(1), F_ALL = (F_ONE | F_TWO) << WORDS };
enum negative { N_LOW = -3, N_NEXT };
enum tiny { T_A, T_B = 200 } __attribute__((packed));
enum huge { H_TOP = 0x8000000000000000ULL };
typedef enum { ANON_A = sizeof(long) * WORDS, ANON_B } anon_e;
typedef uint16_t be16 __attribute__((aligned(2)));
typedef struct node node_t;
struct node { node_t *next, **prev; FIELD(uint8_t, 1); FIELD(uint64_t, 2); };
struct flexible { unsigned short n; struct node items[]; };
struct zero { int x; char none[0]; };
struct packed_outer { char a; struct node n; short b; } __attribute__((packed));
struct member_packed { char a; int b __attribute__((packed)); int c; };
struct member_aligned { char a; char b __attribute__((aligned(32))); _Alignas(8) char c; };
struct aligned_whole { char a; } __attribute__((aligned(16)));
struct has_aligned { char a; struct aligned_whole t; char b; };
struct bits { unsigned a : 3, b : 30, : 0; unsigned long c : 33; int d : 5; signed char e : 2; _Bool f : 1; };
struct bits_packed { uint8_t lead; unsigned a : 12; unsigned b : 20; unsigned long c : 45; uint8_t tail; } __attribute__((packed));
struct bits_char { char c; int x : 3; unsigned short y : 9; long z : 40; };
struct bits_pad { int a : 4; int : 7; int b : 5; char c; int : 0; char d; };
union bits_union { int a : 3; unsigned long b : 50; char c; };
#pragma pack(push, 1)
struct pragma_packed { char a; long b; struct { short s; int i; } in; };
#pragma pack(pop)
#pragma pack(2)
struct pragma_two { char a; long b; int c : 5; };
#pragma pack()
struct nested {
	struct { int x; union { long y; char z[3]; struct { short p, q; }; }; };
	EACH(int a; char b;) each[2];
	enum tiny t; enum flags f; anon_e e; be16 port;
	int (*handler)(struct nested *, size_t);
	const volatile char *const name;
	void *table[WORDS][3];
	struct packed_outer packed[2];
};
struct numbers { float f; double d; long double ld; _Complex double c; __int128 i; };
struct dims { char text[ANON_A + sizeof(struct node) / WORDS]; int matrix[F_ALL][(1 ? 2 : 5)]; };
typedef __typeof__(((struct nested *)0)->table) table_t;
struct typeofs { char c; table_t t; __typeof__(struct zero) z; };
static inline size_t length(const struct nested *n) { return n->each[0].a + sizeof(*n); }
_Static_assert(sizeof(struct node) == 32, "node");
extern struct nested *all;
#endif
