package cgen

import (
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/ctree"
)

// builtin is an operation of the compiler's.
func (c *fn) builtin(x *ctree.Builtin) *ssa.Value {
	switch x.Name {
	case "bswap16", "bswap32", "bswap64":
		return c.emitAux(ssa.OpBswap, RegType(x.T), int64(x.T.Size)*8, nil, c.value(x.Args[0]))
	case "memset":
		return c.memset(x)
	case "memcpy", "memmove":
		return c.memcpy(x)
	case "unreachable", "trap":
		if c.b != nil {
			c.ret(c.constant(c.f.Result, 0))
		}
		return nil
	case "barrier":
		return nil
	}
	return c.atomic(x)
}

func (c *fn) memset(x *ctree.Builtin) *ssa.Value {
	p := c.value(x.Args[0])
	fill, n := x.Args[1].(*ctree.Const).Val, x.Args[2].(*ctree.Const).Val
	at := c.at(p)
	c.checkBounds(at, n, x.Span)
	if fill&0xff == 0 {
		c.zero(at, uint32(n), 1)
		return p
	}
	word := int64(uint64(fill&0xff) * 0x0101010101010101)
	for off := int64(0); off < n; {
		size := uint32(8)
		to := at
		to.off += off
		for int64(size) > n-off || size > alignOf(to) {
			size >>= 1
		}
		t := &ctree.Type{Kind: ctree.Int, Size: size}
		c.store(to, c.constant(RegType(t), word), t)
		off += int64(size)
	}
	return p
}

// memcpy copies bytes. memmove is here only for what one load holds.
func (c *fn) memcpy(x *ctree.Builtin) *ssa.Value {
	p := c.value(x.Args[0])
	src := c.value(x.Args[1])
	n := x.Args[2].(*ctree.Const).Val
	c.checkBounds(c.at(p), n, x.Span)
	c.checkBounds(c.at(src), n, x.Span)
	c.copy(c.at(p), c.at(src), uint32(n), 1)
	return p
}

var atomics = map[string]ssa.Op{"atomic_add": ssa.OpAtomicFetchAdd, "atomic_or": ssa.OpAtomicOr, "atomic_and": ssa.OpAtomicAnd,
	"atomic_xor": ssa.OpAtomicXor, "atomic_xchg": ssa.OpAtomicXchg, "atomic_cmpxchg": ssa.OpAtomicCmpXchg}

// atomic changes memory that others may change, too, and gives what was there before.
func (c *fn) atomic(x *ctree.Builtin) *ssa.Value {
	if k := c.env.Kernel(); k != 0 && k < v5_12Fetch {
		c.errorf(diag.CodeFeature, x.Span, "atomic operations that give a value need kernel 5.12")
	}
	return c.atomicOp(x, atomics[x.Name], RegType(x.T))
}

// v5_12Fetch is the kernel whose atomic operations give a value (BPF_FETCH).
const v5_12Fetch = 5<<16 | 12<<8

// atomicAdd adds without giving a value, as all kernels can.
func (c *fn) atomicAdd(x *ctree.Builtin) { c.atomicOp(x, ssa.OpAtomicAdd, ssa.Void) }

func (c *fn) atomicOp(x *ctree.Builtin, op ssa.Op, result ssa.Type) *ssa.Value {
	at := c.at(c.value(x.Args[0]))
	args := []*ssa.Value{at.base}
	for _, a := range x.Args[1:] {
		args = append(args, c.value(a))
	}
	return c.emitAux(op, result, at.off, ssa.Mem{Size: uint8(x.T.Size), Class: at.class}, args...)
}
