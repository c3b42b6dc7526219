package ssagen

import (
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// formatted is printf and its like: a format and its arguments.
func formatted(kind object.ActionKind) effectFunc {
	return func(c *fn, e syntax.Expr, args []syntax.Expr) {
		if kind == object.ActionPrintf && c.pinned() {
			c.seqPrintf(e, args[1:])
			return
		}
		index, a := c.newAction(kind, e)
		var list []recordArg
		a.Format, list = c.formatArgs(c.info.Formats[e.ID()], args[1:])
		c.sendArgs(index, a, nil, list)
	}
}

// onMap is clear(@m) or zero(@m).
func onMap(kind object.ActionKind) effectFunc {
	return func(c *fn, e syntax.Expr, args []syntax.Expr) {
		st, _ := c.mapArg(args)
		if st == nil {
			return
		}
		index, a := c.newAction(kind, e)
		a.Var = c.varIndex(st)
		c.send(index, a, nil, nil)
	}
}

// varIndex is the place of a map in Object.Vars.
func (c *fn) varIndex(st *mapState) int {
	for i, v := range c.obj.Vars {
		if v == st.v {
			return i
		}
	}
	panic("BUG: map " + st.Name + " has no variable")
}

// print is print(@m[, top[, div]]), print(@m[k]) or print(value).
func (c *fn) print(e syntax.Expr, args []syntax.Expr) {
	if st, key := c.mapArg(args[:1]); st != nil {
		if key == nil {
			c.printMap(e, st, args[1:], "")
		} else {
			c.printElement(e, args[0], st, key)
		}
		return
	}
	index, a := c.newAction(object.ActionPrint, e)
	c.send(index, a, nil, args[:1])
}

// printCSV is print_csv(@m[, top[, div]]).
func (c *fn) printCSV(e syntax.Expr, args []syntax.Expr) {
	if st, _ := c.mapArg(args[:1]); st != nil {
		c.printMap(e, st, args[1:], "csv")
	}
}

func (c *fn) printMap(e syntax.Expr, st *mapState, args []syntax.Expr, style string) {
	index, a := c.newAction(object.ActionPrintMap, e)
	a.Var, a.Style = c.varIndex(st), style
	var list []recordArg
	for i, x := range args {
		name, n, has := "top", &a.Top, &a.HasTop
		if i == 1 {
			name, n, has = "div", &a.Div, &a.HasDiv
		}
		*has = true
		if k := c.constant(x); k != nil {
			*n = k.Int
			continue
		}
		list = append(list, recordArg{e: x, t: int64Type})
		defer func(j int) { a.Args[j].Name = name }(len(list) - 1)
	}
	c.sendArgs(index, a, nil, list)
}

// printBCC is print_log2(@m, unit[, section]), print_linear and their JSON forms.
func printBCC(style string) effectFunc {
	return func(c *fn, e syntax.Expr, args []syntax.Expr) {
		st, _ := c.mapArg(args[:1])
		if st == nil {
			return
		}
		index, a := c.newAction(object.ActionPrintMap, e)
		a.Var, a.Style = c.varIndex(st), style
		for i, text := range []*string{&a.Unit, &a.Section} {
			if i+1 < len(args) {
				if k := c.constant(args[i+1]); k != nil {
					*text = k.Str
				}
			}
		}
		c.send(index, a, nil, nil)
	}
}

// named is bit_names(x, …) and decimal(x, …): x, whose type tells how it's printed.
func (c *fn) named(e syntax.Expr, args []syntax.Expr) operand {
	return operand{t: c.typeOf(e), v: c.intExpr(args[0])}
}

// printElement prints one element as it is now. That of stats(), and before Linux 5.19 that of any
// aggregation, is read when it's printed: by user space, which merges the CPUs' values.
func (c *fn) printElement(e, element syntax.Expr, st *mapState, key []syntax.Expr) {
	index, a := c.newAction(object.ActionPrint, e)
	if st.Value.Castable() && c.info.Facts.Kernel >= v5_19PercpuLookup {
		o := c.expr(element)
		o.t = types.IntType(8, st.Value.Signed)
		c.sendArgs(index, a, nil, []recordArg{{t: o.t, o: o, ready: true}})
		return
	}
	a.Var, a.Raw = c.varIndex(st), true
	c.sendArgs(index, a, nil, c.sentElement(element, st, key))
}

// sentElement is what's sent of an element that's printed: its key, and its value unless that's
// an aggregation.
func (c *fn) sentElement(e syntax.Expr, st *mapState, key []syntax.Expr) []recordArg {
	defer c.at(e)()
	k := c.key(st, key)
	if st.agg {
		return []recordArg{keyBytes(k, keySize(st.MapInfo))}
	}
	list := []recordArg{{t: st.Key, ready: true, o: operand{t: st.Key, ref: k}}}
	if scalar(st.Key) {
		list[0].o = c.deref(k, st.Key)
	}
	return append(list, recordArg{t: st.Value, ready: true, o: c.valueAt(st, c.lookup(st.v.Map, k))})
}

// keyBytes is a key as it stands in the map, by which user space finds the element: a long
// string, too, isn't cut to its length.
func keyBytes(key ref, size uint32) recordArg {
	t := types.ArrayOf(types.IntType(1, false), size)
	return recordArg{t: t, ready: true, o: operand{t: t, ref: key}}
}

func (c *fn) time(e syntax.Expr, args []syntax.Expr) {
	index, a := c.newAction(object.ActionTime, e)
	a.Text = "%H:%M:%S\n"
	if len(args) > 0 {
		if k := c.constant(args[0]); k != nil && k.IsStr {
			a.Text = k.Str
		}
	}
	// The time is the event's, however late it's printed.
	now := operand{t: uint64Type, v: c.call(fnKtimeBoot, ssa.I64)}
	c.sendArgs(index, a, nil, []recordArg{{t: uint64Type, o: now, ready: true}})
}

// exit ends the session and leaves the program.
func (c *fn) exit(e syntax.Expr, args []syntax.Expr) {
	code := c.constI(0)
	if len(args) > 0 {
		code = c.intExpr(args[0])
	}
	c.endSession(e, code)
}

// endSession asks for the session's end with a status, and leaves the program.
func (c *fn) endSession(e syntax.Expr, code *ssa.Value) {
	index, a := c.newAction(object.ActionExit, e)
	c.send(index, a, code, nil)
	if c.b == nil {
		return
	}
	if c.outer != nil {
		c.returnThroughCallback()
		return
	}
	c.leave(nil)
}

// joinArgs is the most strings that join sends.
const joinArgs = 16

// joinStrings is join(argv[, separator]): the strings of a NULL-terminated array.
func (c *fn) joinStrings(e syntax.Expr, args []syntax.Expr) {
	index, a := c.newAction(object.ActionJoin, e)
	a.Text = " "
	if len(args) > 1 {
		if k := c.constant(args[1]); k != nil && k.IsStr {
			a.Text = k.Str
		}
	}
	size := uint32(min(1024, max(64, c.info.Config.MaxStrlen)))
	arr := c.expr(args[0])
	if arr.v == nil {
		c.unsupported(args[0].Span(), "join of this")
		return
	}
	from := c.follow(arr)
	if !from.probed && from.class != ssa.MemKernel {
		c.unsupported(args[0].Span(), "join of this")
		return
	}
	t := &types.Type{Kind: types.String, Size: size}
	for i := range uint32(joinArgs) {
		a.Args = append(a.Args, object.Field{Type: c.runtimeType(t), Dynamic: true, Offset: recordHeader + 4*i})
	}
	a.Size = recordHeader + 4*joinArgs
	buf := c.slot("record", a.Size+joinArgs*size, 8)
	c.header(buf, ssa.MemSlot, index, c.constI(0))
	c.zero(c.addI(buf, recordHeader), 4*joinArgs, ssa.MemSlot, 8)
	end := c.slot("end", 8, 8)
	c.store(end, 0, c.constU(uint64(a.Size)), 8, ssa.MemSlot)
	c.countTo(c.constI(joinArgs), 1, func(i *ssa.Value, done *ssa.Block) {
		arg := c.slot("arg", 8, 8)
		at := from
		at.base, at.off = c.emit(ssa.OpAdd, from.base.Type, c.refAddr(from), c.bin(ssa.OpShl, i, c.constI(3))), 0
		c.probeRead(arg, 8, at)
		p := c.load(arg, 0, mem(8, ssa.MemSlot, false))
		there := c.block()
		c.branch(p, there, done, 1)
		c.b = there
		at.base = p
		at.probed = true
		used := c.load(end, 0, mem(8, ssa.MemSlot, false))
		n, text := c.appendBytes(c.emit(ssa.OpAdd, ssa.Ptr, buf, used), &recordArg{t: t, ready: true, o: operand{t: t, ref: at}})
		loc := c.bin(ssa.OpOr, used, c.bin(ssa.OpShl, text, c.constI(16)))
		c.store(c.emit(ssa.OpAdd, ssa.Ptr, buf, c.bin(ssa.OpShl, i, c.constI(2))), recordHeader, loc, 4, ssa.MemSlot)
		c.store(end, 0, c.bin(ssa.OpAdd, used, n), 8, ssa.MemSlot)
	})
	c.output(buf, c.load(end, 0, mem(8, ssa.MemSlot, false)))
}

// kindName is a type's name in messages.
func kindName(t *types.Type) string {
	names := map[types.Kind]string{types.Void: "void", types.Bool: "bool", types.Int: "integer", types.Enum: "enum",
		types.String: "string", types.Buf: "buffer", types.Pointer: "pointer", types.Struct: "struct", types.Array: "array",
		types.Tuple: "tuple", types.Record: "record", types.Ksym: "ksym", types.Usym: "usym", types.Kstack: "kstack",
		types.Ustack: "ustack", types.Inet: "inet", types.Mac: "mac address", types.Timestamp: "timestamp",
		types.CgroupPath: "cgroup path", types.Count: "count", types.Sum: "sum", types.Avg: "avg", types.Min: "min",
		types.Max: "max", types.Stats: "stats", types.Hist: "hist", types.Lhist: "lhist", types.TSeries: "tseries",
		types.Bhist: "bhist", types.Summary: "summary"}
	if n := names[t.Kind]; n != "" {
		return n
	}
	return strings.TrimSpace("value " + t.Name)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
