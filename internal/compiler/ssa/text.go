package ssa

import (
	"fmt"
	"strconv"
	"strings"
)

// form says how an op's AuxInt and Aux stand in the text.
type form uint8

const (
	formNone   form = iota
	formInt         // op T args AuxInt
	formOffset      // op T args +AuxInt
	formSlot        // op T sN +AuxInt
	formMap         // op T mN +AuxInt: the map's index, the offset in its value
	formName        // op T "name" args
	formFunc        // op T &name args
	formHelper      // op T #id args
	formMem         // op.SIZE T args +AuxInt !class; a load's size begins with u or s
	formZero        // op.ALIGN args AuxInt !class
	formMove        // op.ALIGN args AuxInt !dst !src
)

// opForms has the ops that carry more than arguments.
var opForms = [opCount]form{
	OpConst: formInt, OpParam: formInt, OpBswap: formInt, OpMapPtr: formInt,
	OpSlotAddr: formSlot, OpMapValue: formMap, OpOffset: formOffset,
	OpFuncAddr: formFunc, OpCallFunc: formFunc,
	OpKsymAddr: formName, OpKfunc: formName, OpCall: formHelper,
	OpLoad: formMem, OpStore: formMem, OpZero: formZero, OpMove: formMove,
	OpAtomicAdd: formMem, OpAtomicFetchAdd: formMem, OpAtomicOr: formMem, OpAtomicAnd: formMem,
	OpAtomicXor: formMem, OpAtomicXchg: formMem, OpAtomicCmpXchg: formMem,
}

var typeNames = [...]string{Void: "Void", Bool: "Bool", I32: "I32", I64: "I64", Ptr: "Ptr"}

var classNames = [...]string{
	MemAny: "any", MemSlot: "slot", MemCtx: "ctx", MemKernel: "kernel",
	MemMap: "map", MemRecord: "record", MemConst: "const",
}

var kindNames = [...]string{FuncProg: "prog", FuncCallback: "callback", FuncSub: "sub"}

func nameOf[T ~uint8](names []string, i T) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("?%d", i)
}

// String is t's name in the text form.
func (t Type) String() string { return nameOf(typeNames[:], t) }

// String is c's name in the text form, without its "!".
func (c MemClass) String() string { return nameOf(classNames[:], c) }

// String is k's name in the text form.
func (k FuncKind) String() string { return nameOf(kindNames[:], k) }

// String is the text form of p, which Parse reads.
func (p *Prog) String() string {
	w := &printer{}
	fmt.Fprintf(w, "prog %s", strconv.Quote(p.Name))
	if p.Scratch >= 0 {
		fmt.Fprintf(w, " scratch=%d offset=%d size=%d", p.Scratch, p.ScratchOffset, p.ScratchSize)
	}
	w.WriteByte('\n')
	for _, f := range p.Funcs {
		w.WriteByte('\n')
		w.fn(f)
	}
	return w.String()
}

// String is the text form of f.
func (f *Func) String() string {
	w := &printer{}
	w.fn(f)
	return w.String()
}

// String is v's name: "v12".
func (v *Value) String() string {
	if v == nil {
		return "nil"
	}
	return "v" + strconv.Itoa(int(v.ID))
}

// LongString is v's line in the text form.
func (v *Value) LongString() string {
	w := &printer{}
	w.value(v)
	return w.String()
}

// String is b's name: "b3".
func (b *Block) String() string {
	if b == nil {
		return "nil"
	}
	return "b" + strconv.Itoa(int(b.ID))
}

// String is s's name in the text form: "s0".
func (s *Slot) String() string { return "s" + strconv.Itoa(s.ID) }

type printer struct{ strings.Builder }

func (w *printer) fn(f *Func) {
	fmt.Fprintf(w, "func %s %s(", f.Name, f.Kind)
	for i, t := range f.Params {
		if i > 0 {
			w.WriteString(", ")
		}
		w.WriteString(t.String())
	}
	fmt.Fprintf(w, ") %s {\n", f.Result)
	for _, s := range f.Slots {
		w.slot(s)
	}
	for _, b := range f.Blocks {
		w.block(b)
	}
	w.WriteString("}\n")
}

func (w *printer) slot(s *Slot) {
	fmt.Fprintf(w, "  slot %s %s size=%d align=%d", s, strconv.Quote(s.Name), s.Size, s.Align)
	if s.Scratch {
		w.WriteString(" scratch")
	}
	if s.Captured {
		w.WriteString(" captured")
	}
	if s.Pos != 0 {
		fmt.Fprintf(w, " @%d", s.Pos)
	}
	w.WriteByte('\n')
}

func (w *printer) block(b *Block) {
	fmt.Fprintf(w, "%s:", b)
	if len(b.Preds) > 0 {
		w.WriteString(" <-")
	}
	for _, p := range b.Preds {
		fmt.Fprintf(w, " %s", p)
	}
	w.WriteByte('\n')
	for _, v := range b.Values {
		w.WriteString("  ")
		w.value(v)
		w.WriteByte('\n')
	}
	w.WriteString("  ")
	w.ending(b)
	if b.Pos != 0 {
		fmt.Fprintf(w, " @%d", b.Pos)
	}
	w.WriteByte('\n')
}

func (w *printer) ending(b *Block) {
	switch b.Kind {
	case BlockPlain:
		w.WriteString("jump")
	case BlockIf:
		w.WriteString("if")
	case BlockRet:
		w.WriteString("ret")
	default:
		fmt.Fprintf(w, "?%d", b.Kind)
	}
	if b.Control != nil {
		fmt.Fprintf(w, " %s", b.Control)
	}
	for _, s := range b.Succs {
		fmt.Fprintf(w, " %s", s)
	}
	switch b.Likely {
	case 1:
		w.WriteString(" likely")
	case -1:
		w.WriteString(" unlikely")
	}
}

func (w *printer) value(v *Value) {
	if v.Type != Void {
		fmt.Fprintf(w, "%s = ", v)
	}
	w.WriteString(v.Op.String())
	form := opForms[v.Op]
	w.suffix(v, form)
	if v.Type != Void {
		fmt.Fprintf(w, " %s", v.Type)
	}
	switch form {
	case formSlot:
		fmt.Fprintf(w, " %v", v.Aux)
	case formMap:
		fmt.Fprintf(w, " m%v", v.Aux)
	case formName:
		fmt.Fprintf(w, " %q", v.Aux)
	case formFunc:
		if f, ok := v.Aux.(*Func); ok {
			fmt.Fprintf(w, " &%s", f.Name)
		}
	case formHelper:
		fmt.Fprintf(w, " #%d", v.AuxInt)
	}
	for _, a := range v.Args {
		fmt.Fprintf(w, " %s", a)
	}
	w.tail(v, form)
	if v.Pos != 0 {
		fmt.Fprintf(w, " @%d", v.Pos)
	}
}

// suffix is what follows the op's name after a dot.
func (w *printer) suffix(v *Value, form form) {
	switch form {
	case formMem, formZero:
		m, _ := v.Aux.(Mem)
		w.WriteByte('.')
		if v.Op == OpLoad {
			w.WriteByte("us"[b2i(m.Signed)])
		}
		fmt.Fprintf(w, "%d", m.Size)
	case formMove:
		m, _ := v.Aux.(MoveInfo)
		fmt.Fprintf(w, ".%d", m.Align)
	}
}

// tail is what follows the arguments.
func (w *printer) tail(v *Value, form form) {
	switch form {
	case formInt:
		fmt.Fprintf(w, " %d", v.AuxInt)
	case formOffset:
		fmt.Fprintf(w, " %+d", v.AuxInt)
	case formSlot, formMap:
		if v.AuxInt != 0 {
			fmt.Fprintf(w, " %+d", v.AuxInt)
		}
	case formMem:
		m, _ := v.Aux.(Mem)
		if v.AuxInt != 0 {
			fmt.Fprintf(w, " %+d", v.AuxInt)
		}
		fmt.Fprintf(w, " !%s", m.Class)
	case formZero:
		m, _ := v.Aux.(Mem)
		fmt.Fprintf(w, " %d !%s", v.AuxInt, m.Class)
	case formMove:
		m, _ := v.Aux.(MoveInfo)
		fmt.Fprintf(w, " %d !%s !%s", v.AuxInt, m.Dst, m.Src)
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
