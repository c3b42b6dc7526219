#include "textflag.h"

// func callNative(code, a, b uintptr)
// Calls code as C does, with two arguments and a stack of its own size.
TEXT ·callNative(SB), 0, $8192-24
	MOVQ code+0(FP), AX
	MOVQ a+8(FP), DI
	MOVQ b+16(FP), SI
	MOVQ SP, BX
	ANDQ $~15, SP
	CALL AX
	MOVQ BX, SP
	RET
