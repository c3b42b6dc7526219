package ssa

// Op is an operation.
type Op uint8

// The operations; OpInfo gives each one's row.
const (
	OpInvalid Op = iota

	OpConst // AuxInt: the value
	OpPhi
	OpCopy
	OpParam // AuxInt: the parameter's index; in the entry block, first

	// Integers: the result's Type (I32, I64) is the width; pointers: Add and Sub of an I64.
	OpAdd
	OpSub
	OpMul
	OpUDiv // division by zero gives 0 (BPF)
	OpSDiv
	OpUMod // modulo zero gives the dividend (BPF)
	OpSMod
	OpAnd
	OpOr
	OpXor
	OpShl // the count is masked by the width
	OpLShr
	OpAShr
	OpNeg
	OpNot // bitwise

	// Width. The argument is I32 or I64, the result is the value's Type.
	OpSExt8
	OpSExt16
	OpSExt32
	OpZExt8
	OpZExt16
	OpZExt32
	OpTrunc // I64 → I32: the low half
	OpBswap // AuxInt: 16, 32 or 64 bits; the rest of the result is zero

	// Comparisons → Bool. Both arguments have the same Type, which is the width compared.
	OpEq
	OpNe
	OpULt
	OpULe
	OpSLt
	OpSLe
	OpSelect // Args: cond, a, b: a if cond isn't zero, else b

	// Addresses → Ptr.
	OpSlotAddr // Aux *Slot; AuxInt: byte offset in it
	OpMapPtr   // AuxInt: the map's index in the object: the map itself, for helpers
	OpMapValue // AuxInt: byte offset; Aux int: the map's index: the address of global data
	OpFuncAddr // Aux *Func: for helpers that take a callback
	OpKsymAddr // Aux string: a kernel variable with BTF (pseudo BTF id)
	OpOffset   // Args: ptr; AuxInt: bytes added; folds into loads and stores

	// Memory.
	OpLoad      // Args: ptr; AuxInt: offset; Aux Mem
	OpStore     // Args: ptr, value; AuxInt: offset; Aux Mem
	OpZero      // Args: ptr; AuxInt: bytes; Aux Mem (Class; Size = alignment known, 1…8)
	OpMove      // Args: dst, src; AuxInt: bytes; Aux MoveInfo
	OpAtomicAdd // Args: ptr, value; AuxInt: offset; Aux Mem (Size 4 or 8); no result
	OpAtomicFetchAdd
	OpAtomicOr
	OpAtomicAnd
	OpAtomicXor
	OpAtomicXchg
	OpAtomicCmpXchg // Args: ptr, old, new

	// Calls. Up to five arguments.
	OpCall     // AuxInt: the helper's id (bpf/helper); purity is the helper's row's
	OpKfunc    // Aux string: the kernel function's name
	OpCallFunc // Aux *Func

	OpTailCall // Args: ctx, map, index

	opCount
)

// MoveInfo is OpMove's Aux.
type MoveInfo struct {
	Dst, Src MemClass
	Align    uint8 // known alignment of both, 1…8
}

// Effect is what an op does besides its result.
type Effect uint8

// The effects.
const (
	Pure   Effect = 0
	Reads  Effect = 1 << iota // depends on memory
	Writes                    // changes memory
	Calls                     // a call: clobbers r0–r5; the helper's row may say it's pure
	Pinned                    // stays in its block (phi, param)
)

// OpInfo is an op's row.
type OpInfo struct {
	Name     string
	NArgs    int8 // -1: any
	Effect   Effect
	Commutes bool
	Doc      string
}

var opTable = [opCount]OpInfo{
	OpInvalid:        {"invalid", -1, Pure, false, "never in a function"},
	OpConst:          {"const", 0, Pure, false, "the constant AuxInt"},
	OpPhi:            {"phi", -1, Pinned, false, "the argument of the edge taken"},
	OpCopy:           {"copy", 1, Pure, false, "its argument"},
	OpParam:          {"param", 0, Pinned, false, "the function's parameter number AuxInt"},
	OpAdd:            {"add", 2, Pure, true, "sum"},
	OpSub:            {"sub", 2, Pure, false, "difference"},
	OpMul:            {"mul", 2, Pure, true, "product"},
	OpUDiv:           {"udiv", 2, Pure, false, "unsigned quotient; 0 when divided by 0"},
	OpSDiv:           {"sdiv", 2, Pure, false, "signed quotient, towards zero"},
	OpUMod:           {"umod", 2, Pure, false, "unsigned remainder; the dividend when divided by 0"},
	OpSMod:           {"smod", 2, Pure, false, "signed remainder, sign of the dividend"},
	OpAnd:            {"and", 2, Pure, true, "bitwise and"},
	OpOr:             {"or", 2, Pure, true, "bitwise or"},
	OpXor:            {"xor", 2, Pure, true, "bitwise exclusive or"},
	OpShl:            {"shl", 2, Pure, false, "shift left"},
	OpLShr:           {"lshr", 2, Pure, false, "shift right, zeros in"},
	OpAShr:           {"ashr", 2, Pure, false, "shift right, sign in"},
	OpNeg:            {"neg", 1, Pure, false, "negation"},
	OpNot:            {"not", 1, Pure, false, "bitwise complement"},
	OpSExt8:          {"sext8", 1, Pure, false, "low 8 bits, sign-extended"},
	OpSExt16:         {"sext16", 1, Pure, false, "low 16 bits, sign-extended"},
	OpSExt32:         {"sext32", 1, Pure, false, "low 32 bits, sign-extended"},
	OpZExt8:          {"zext8", 1, Pure, false, "low 8 bits"},
	OpZExt16:         {"zext16", 1, Pure, false, "low 16 bits"},
	OpZExt32:         {"zext32", 1, Pure, false, "low 32 bits"},
	OpTrunc:          {"trunc", 1, Pure, false, "low 32 bits as I32"},
	OpBswap:          {"bswap", 1, Pure, false, "low AuxInt bits with their bytes reversed"},
	OpEq:             {"eq", 2, Pure, true, "a = b"},
	OpNe:             {"ne", 2, Pure, true, "a ≠ b"},
	OpULt:            {"ult", 2, Pure, false, "a < b, unsigned"},
	OpULe:            {"ule", 2, Pure, false, "a ≤ b, unsigned"},
	OpSLt:            {"slt", 2, Pure, false, "a < b, signed"},
	OpSLe:            {"sle", 2, Pure, false, "a ≤ b, signed"},
	OpSelect:         {"select", 3, Pure, false, "cond ? a : b"},
	OpSlotAddr:       {"slotaddr", 0, Pure, false, "address of a slot plus AuxInt"},
	OpMapPtr:         {"mapptr", 0, Pure, false, "the map number AuxInt"},
	OpMapValue:       {"mapvalue", 0, Pure, false, "address of a global map's data plus AuxInt"},
	OpFuncAddr:       {"funcaddr", 0, Pure, false, "address of a BPF function"},
	OpKsymAddr:       {"ksymaddr", 0, Pure, false, "address of a kernel variable"},
	OpOffset:         {"offset", 1, Pure, false, "pointer plus AuxInt"},
	OpLoad:           {"load", 1, Reads, false, "value in memory"},
	OpStore:          {"store", 2, Writes, false, "value to memory"},
	OpZero:           {"zero", 1, Writes, false, "AuxInt zero bytes"},
	OpMove:           {"move", 2, Reads | Writes, false, "AuxInt bytes from src to dst, which don't overlap"},
	OpAtomicAdd:      {"atomic_add", 2, Reads | Writes, false, "memory += value"},
	OpAtomicFetchAdd: {"atomic_fetch_add", 2, Reads | Writes, false, "memory += value; result: before"},
	OpAtomicOr:       {"atomic_or", 2, Reads | Writes, false, "memory |= value"},
	OpAtomicAnd:      {"atomic_and", 2, Reads | Writes, false, "memory &= value"},
	OpAtomicXor:      {"atomic_xor", 2, Reads | Writes, false, "memory ^= value"},
	OpAtomicXchg:     {"atomic_xchg", 2, Reads | Writes, false, "swap; result: before"},
	OpAtomicCmpXchg:  {"atomic_cmpxchg", 3, Reads | Writes, false, "new if old; result: before"},
	OpCall:           {"call", -1, Reads | Writes | Calls, false, "helper AuxInt"},
	OpKfunc:          {"kfunc", -1, Reads | Writes | Calls, false, "kernel function"},
	OpCallFunc:       {"callfunc", -1, Reads | Writes | Calls, false, "BPF function"},
	OpTailCall:       {"tailcall", 3, Reads | Writes | Calls, false, "jump to another program"},
}

// Info is op's row.
func (op Op) Info() *OpInfo { return &opTable[op] }

// String is op's name in the text form.
func (op Op) String() string { return opTable[op].Name }
