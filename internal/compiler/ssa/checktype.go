package ssa

import "fmt"

// rule is the way an op's types and operands go together.
type rule uint8

const (
	ruleAny     rule = iota
	ruleConst        // → Bool, I32, I64, Ptr
	ruleCopy         // T → T; Ptr ↔ I64 is a cast
	ruleParam        // the function's type of the parameter
	rulePhi          // T, T … → T
	ruleAdd          // ruleInt2; Ptr, I64 → Ptr
	ruleSub          // ruleAdd; Ptr, Ptr → I64
	ruleInt2         // T, T → T, an integer
	ruleBits2        // ruleInt2; Bool, Bool → Bool
	ruleShift        // T, integer → T, an integer
	ruleInt1         // T → T, an integer
	ruleExt          // integer or Bool → integer
	ruleTrunc        // I64 → I32
	ruleCompare      // T, T → Bool
	ruleSelect       // any, T, T → T
	ruleAddr         // → Ptr
	ruleOffset       // Ptr → Ptr
	ruleLoad         // Ptr → T
	ruleStore        // Ptr, T
	ruleZero         // Ptr
	ruleMove         // Ptr, Ptr
	ruleAtomic       // Ptr, T … → T or nothing
	ruleCall         // up to five → any
	ruleTail         // Ptr, Ptr, integer
)

var opRules = [opCount]rule{
	OpConst: ruleConst, OpCopy: ruleCopy, OpParam: ruleParam, OpPhi: rulePhi,
	OpAdd: ruleAdd, OpSub: ruleSub, OpMul: ruleInt2,
	OpUDiv: ruleInt2, OpSDiv: ruleInt2, OpUMod: ruleInt2, OpSMod: ruleInt2,
	OpAnd: ruleBits2, OpOr: ruleBits2, OpXor: ruleBits2,
	OpShl: ruleShift, OpLShr: ruleShift, OpAShr: ruleShift, OpNeg: ruleInt1, OpNot: ruleInt1,
	OpSExt8: ruleExt, OpSExt16: ruleExt, OpSExt32: ruleExt,
	OpZExt8: ruleExt, OpZExt16: ruleExt, OpZExt32: ruleExt, OpTrunc: ruleTrunc, OpBswap: ruleInt1,
	OpEq: ruleCompare, OpNe: ruleCompare, OpULt: ruleCompare, OpULe: ruleCompare,
	OpSLt: ruleCompare, OpSLe: ruleCompare, OpSelect: ruleSelect,
	OpSlotAddr: ruleAddr, OpMapPtr: ruleAddr, OpMapValue: ruleAddr, OpFuncAddr: ruleAddr,
	OpKsymAddr: ruleAddr, OpOffset: ruleOffset,
	OpLoad: ruleLoad, OpStore: ruleStore, OpZero: ruleZero, OpMove: ruleMove,
	OpAtomicAdd: ruleAtomic, OpAtomicFetchAdd: ruleAtomic, OpAtomicOr: ruleAtomic,
	OpAtomicAnd: ruleAtomic, OpAtomicXor: ruleAtomic, OpAtomicXchg: ruleAtomic, OpAtomicCmpXchg: ruleAtomic,
	OpCall: ruleCall, OpKfunc: ruleCall, OpCallFunc: ruleCall, OpTailCall: ruleTail,
}

func isInt(t Type) bool { return t == I32 || t == I64 }

// typeError says what is wrong with v's types and operands; "" nothing. The number of
// arguments is right and they have results.
func typeError(f *Func, v *Value) string {
	var t [3]Type // of the first arguments
	for i := 0; i < len(v.Args) && i < len(t); i++ {
		t[i] = v.Args[i].Type
	}
	if !typesFit(f, v, t) {
		return "the types don't fit"
	}
	return operandError(f, v)
}

func typesFit(f *Func, v *Value, t [3]Type) bool {
	r := v.Type
	switch opRules[v.Op] {
	case ruleConst:
		return r != Void
	case ruleCopy:
		return r == t[0] || r == Ptr && t[0] == I64 || r == I64 && t[0] == Ptr
	case ruleParam:
		return v.AuxInt >= 0 && v.AuxInt < int64(len(f.Params)) && r == f.Params[v.AuxInt]
	case rulePhi:
		for _, a := range v.Args {
			if a.Type != r {
				return false
			}
		}
		return r != Void
	case ruleAdd, ruleSub:
		if r == Ptr {
			return t[0] == Ptr && t[1] == I64
		}
		return isInt(r) && (t[0] == r && t[1] == r) ||
			v.Op == OpSub && r == I64 && t[0] == Ptr && t[1] == Ptr
	case ruleBits2:
		return (isInt(r) || r == Bool) && t[0] == r && t[1] == r
	case ruleInt2:
		return isInt(r) && t[0] == r && t[1] == r
	case ruleShift:
		return isInt(r) && t[0] == r && isInt(t[1])
	case ruleInt1:
		return isInt(r) && t[0] == r
	case ruleExt:
		return isInt(r) && (isInt(t[0]) || t[0] == Bool)
	case ruleTrunc:
		return r == I32 && t[0] == I64
	case ruleCompare:
		return r == Bool && t[0] == t[1]
	case ruleSelect:
		return r != Void && t[1] == r && t[2] == r
	}
	return memTypesFit(v, t)
}

func memTypesFit(v *Value, t [3]Type) bool {
	r := v.Type
	switch opRules[v.Op] {
	case ruleAddr:
		return r == Ptr
	case ruleOffset:
		return r == Ptr && t[0] == Ptr
	case ruleLoad:
		return r != Void && t[0] == Ptr
	case ruleStore:
		return r == Void && t[0] == Ptr
	case ruleZero:
		return r == Void && t[0] == Ptr
	case ruleMove:
		return r == Void && t[0] == Ptr && t[1] == Ptr
	case ruleAtomic:
		if v.Op == OpAtomicCmpXchg && t[2] != t[1] {
			return false
		}
		return t[0] == Ptr && isInt(t[1]) && (r == t[1] || v.Op == OpAtomicAdd || r == Void)
	case ruleCall:
		return len(v.Args) <= 5
	case ruleTail:
		return r == Void && t[0] == Ptr && t[1] == Ptr && isInt(t[2])
	}
	return true
}

// operandError checks AuxInt and Aux.
func operandError(f *Func, v *Value) string {
	if msg := auxError(f, v); msg != "" {
		return msg
	}
	switch v.Op {
	case OpConst:
		if v.Type == Bool && v.AuxInt != 0 && v.AuxInt != 1 {
			return "a Bool is 0 or 1"
		}
		if v.Type == I32 && int64(int32(v.AuxInt)) != v.AuxInt && int64(uint32(v.AuxInt)) != v.AuxInt {
			return "the constant has more than 32 bits"
		}
	case OpBswap:
		if v.AuxInt != 16 && v.AuxInt != 32 && (v.AuxInt != 64 || v.Type != I64) {
			return "swaps 16, 32 or 64 bits"
		}
	case OpSlotAddr:
		if s := v.Aux.(*Slot); v.AuxInt < 0 || v.AuxInt > int64(s.Size) {
			return fmt.Sprintf("offset %d isn't in the slot's %d bytes", v.AuxInt, s.Size)
		}
	case OpLoad:
		return sizeError(v.Type, v.Aux.(Mem).Size)
	case OpStore:
		return sizeError(v.Args[1].Type, v.Aux.(Mem).Size)
	case OpZero, OpMove:
		if v.AuxInt <= 0 {
			return "no bytes"
		}
	}
	if opRules[v.Op] == ruleAtomic {
		if n := v.Aux.(Mem).Size; n != 4 && n != 8 || n == 8 && v.Args[1].Type != I64 {
			return fmt.Sprintf("an atomic of %d bytes with a value of %s", n, v.Args[1].Type)
		}
	}
	return ""
}

// sizeError checks an access: Bool 1 byte, Ptr 8, I32 up to 4, I64 up to 8.
func sizeError(t Type, n uint8) string {
	ok := n == 1 || n == 2 || n == 4 || n == 8
	switch t {
	case Bool:
		ok = n == 1
	case I32:
		ok = ok && n <= 4
	case Ptr:
		ok = n == 8
	}
	if !ok {
		return fmt.Sprintf("an access of %d bytes with a value of %s", n, t)
	}
	return ""
}

func auxError(f *Func, v *Value) string {
	ok := true
	switch opForms[v.Op] {
	case formSlot:
		s, is := v.Aux.(*Slot)
		if !is || s.ID < 0 || s.ID >= len(f.Slots) || f.Slots[s.ID] != s {
			return "the slot isn't the function's"
		}
	case formMap:
		_, ok = v.Aux.(int)
	case formName:
		_, ok = v.Aux.(string)
	case formFunc:
		var g *Func
		g, ok = v.Aux.(*Func)
		ok = ok && g != nil
	case formMem, formZero:
		_, ok = v.Aux.(Mem)
	case formMove:
		_, ok = v.Aux.(MoveInfo)
	}
	if !ok {
		return fmt.Sprintf("Aux is a %T", v.Aux)
	}
	return ""
}
