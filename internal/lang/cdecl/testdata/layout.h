#define LEN 3
#define ARRAY(type, name, n) type name[n]
typedef unsigned char byte;
typedef unsigned int word;
enum color { RED, GREEN = 5, BLUE, LAST = 1 << 4 };
enum wide { SMALL = -1, LARGE = 0x100000000 };
struct plain { char c; int i; short s; long long ll; char tail; };
struct packed { char c; int i; long l; } __attribute__((packed));
struct aligned { char c; } __attribute__((aligned(16)));
struct member_aligned { char c; int i __attribute__((aligned(8))); };
struct bits { unsigned int a : 3; unsigned int b : 30; unsigned char c : 4; int : 0; int d : 1; };
struct bits_mixed { char c; word x : 5; word y : 7; unsigned short z : 12; unsigned long w : 40; };
struct bits_packed { byte lead; unsigned int a : 12; unsigned int b : 20; unsigned int c : 5; } __attribute__((packed));
struct outer {
  struct { int x, y; };
  union { long l; char bytes[LEN + 1]; } u;
  struct inner { char a; short b; } in[2];
  struct outer *next;
  int (*fn)(int, char *);
  int *table[2][3];
  int (*rows)[4];
  enum color color;
  ARRAY(byte, last, sizeof(struct plain));
};
union either { char c[5]; int i; };
typedef struct { const volatile unsigned long *p; _Bool flag; } handle_t;
struct uses { handle_t h; struct outer o; union either e; word flexible[]; };
static inline int add(int a, int b) { return a + b; }
extern int shared;
int prototype(struct plain *p);
