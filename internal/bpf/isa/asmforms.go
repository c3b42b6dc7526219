package isa

// forms are the shapes of instruction text; the first that matches counts.
func forms() []form {
	return []form{
		newForm(`exit`, func(*groups) Insn { return Exit() }),
		newForm(`goto %j`, func(g *groups) Insn { return Jump(g.off()) }),
		newForm(`gotol %j`, func(g *groups) Insn { return JumpLong(int32(g.num(32))) }),
		newForm(`may_goto %j`, func(g *groups) Insn { return Insn{Op: opMayGoto, Off: g.off()} }),
		newForm(`call %j`, func(g *groups) Insn { return CallFunc(int32(g.num(32))) }),
		newForm(`call kernel-function#%n`, func(g *groups) Insn { return CallKfunc(int32(g.num(32))) }),
		newForm(`call \w+#%n`, func(g *groups) Insn { return Call(int32(g.num(32))) }),
		newForm(`if %r (\S+) %r goto %j`, buildJump),
		newForm(`if %r (\S+) %n goto %j`, buildJumpImm),

		newForm(`\*%m = %x`, func(g *groups) Insn {
			_, size, base, off := g.mem()
			return Store(size, base, off, g.reg())
		}),
		newForm(`\*%m = %n`, func(g *groups) Insn {
			_, size, base, off := g.mem()
			return StoreImm(size, base, off, int32(g.num(32)))
		}),
		newForm(`%x = \*%m`, buildLoad),
		newForm(`r0 = \*\(u(8|16|32|64) \*\)skb\[%n\]`, func(g *groups) Insn {
			return Insn{Op: ClassLD | ModeABS | g.bits(), Imm: g.num(32)}
		}),
		newForm(`r0 = \*\(u(8|16|32|64) \*\)skb\[%x \+ %n\]`, func(g *groups) Insn {
			return Insn{Op: ClassLD | ModeIND | g.bits(), Src: g.reg(), Imm: g.num(32)}
		}),

		newForm(`lock \*%m (\S+) %x`, func(g *groups) Insn {
			_, size, base, off := g.mem()
			op := g.operation(&aluOps, g.str())
			return Atomic(int32(op), size, base, off, g.reg())
		}),
		newForm(`r0 = atomic(?:64)?_cmpxchg\(%m, r0, %x\)`, func(g *groups) Insn {
			_, size, base, off := g.mem()
			return Atomic(AtomicCMPXCHG, size, base, off, g.reg())
		}),
		newForm(`%x = atomic(?:64)?_xchg\(%m, %x\)`, func(g *groups) Insn {
			return buildFetch(g, func() int32 { return AtomicXCHG })
		}),
		newForm(`%x = atomic(?:64)?_fetch_(\w+)\(%m, %x\)`, func(g *groups) Insn {
			return buildFetch(g, func() int32 { return g.atomicName() | AtomicFETCH })
		}),

		newForm(`%x = map\[fd:%n\]\[0\]%n`, func(g *groups) Insn {
			return LoadPseudo(g.reg(), PseudoMapValue, int64(uint32(g.num(32)))|g.num(32)<<32)
		}),
		newForm(`%x = map\[fd:%n\]`, func(g *groups) Insn {
			return LoadPseudo(g.reg(), PseudoMapFD, int64(uint32(g.num(32))))
		}),
		newForm(`%x = btf\[%n\]`, func(g *groups) Insn { return LoadPseudo(g.reg(), PseudoBTFID, g.num(64)) }),
		newForm(`%x = subprog\[%n\]`, func(g *groups) Insn {
			return LoadPseudo(g.reg(), PseudoFunc, int64(uint32(g.num(32))))
		}),
		newForm(`%x = (0x[0-9a-f]+)`, func(g *groups) Insn { return LoadImm64(g.reg(), g.num(64)) }),

		newForm(`%x = (be|le|bswap)(16|32|64) %x`, buildEnd),
		newForm(`%r = -%r`, buildNeg),
		newForm(`%r = \(s(8|16|32)\)%r`, buildMovSX),
		newForm(`%r (\S+) %r`, buildALU),
		newForm(`%r (\S+) %n`, buildALUImm),
		newForm(`\.insn %n %x %x %n %n`, func(g *groups) Insn {
			return Insn{Op: uint8(g.num(8)), Dst: g.reg(), Src: g.reg(), Off: g.off(), Imm: g.num(64)}
		}),
	}
}

// bits reads a number of bits as a Size… constant.
func (g *groups) bits() uint8 { return SizeOf(int(g.num(16)) / 8) }

// atomicName reads an operation's name as its Atomic… constant.
func (g *groups) atomicName() int32 {
	name := g.str()
	for op, s := range atomicNames {
		if s == name {
			return int32(op)
		}
	}
	g.fail("no atomic operation %s", name)
	return 0
}

func buildFetch(g *groups, op func() int32) Insn {
	dst := g.reg()
	code := op()
	_, size, base, off := g.mem()
	src := g.reg()
	if src != dst {
		g.fail("an atomic operation's result goes to the register of its operand")
	}
	return Atomic(code, size, base, off, src)
}

func buildLoad(g *groups) Insn {
	dst := g.reg()
	signed, size, base, off := g.mem()
	if signed {
		return LoadSX(size, dst, base, off)
	}
	return Load(size, dst, base, off)
}

// wide reads a register's width letter.
func (g *groups) wide() bool { return g.str() == "r" }

func buildJump(g *groups) Insn {
	class := uint8(ClassJMP32)
	if g.wide() {
		class = ClassJMP
	}
	dst, op := g.reg(), g.operation(&jumpOps, g.str())
	g.str()
	return Insn{Op: class | SrcX | op, Dst: dst, Src: g.reg(), Off: g.off()}
}

func buildJumpImm(g *groups) Insn {
	class := uint8(ClassJMP32)
	if g.wide() {
		class = ClassJMP
	}
	dst, op := g.reg(), g.operation(&jumpOps, g.str())
	imm := g.num(32)
	return Insn{Op: class | op, Dst: dst, Imm: imm, Off: g.off()}
}

func buildEnd(g *groups) Insn {
	dst := g.reg()
	op := uint8(ClassALU | AluEND)
	switch g.str() {
	case "be":
		op |= SrcX
	case "bswap":
		op = ClassALU64 | AluEND
	}
	imm := g.num(16)
	if g.reg() != dst {
		g.fail("a byte swap works in place")
	}
	return Insn{Op: op, Dst: dst, Imm: imm}
}

func buildNeg(g *groups) Insn {
	class := aluClass(g)
	dst := g.reg()
	g.str()
	if g.reg() != dst {
		g.fail("a negation works in place")
	}
	return Insn{Op: class | AluNEG, Dst: dst}
}

func aluClass(g *groups) uint8 {
	if g.wide() {
		return ClassALU64
	}
	return ClassALU
}

func buildMovSX(g *groups) Insn {
	class := aluClass(g)
	dst, bits := g.reg(), g.off()
	g.str()
	return Insn{Op: class | SrcX | AluMOV, Dst: dst, Src: g.reg(), Off: bits}
}

// aluOperator reads an ALU operator; s/= and s%= are told by the offset.
func (g *groups) aluOperator() (op uint8, off int16) {
	s := g.str()
	if s == "s/=" || s == "s%=" {
		s, off = s[1:], 1
	}
	return g.operation(&aluOps, s), off
}

func buildALU(g *groups) Insn {
	class := aluClass(g)
	dst := g.reg()
	op, off := g.aluOperator()
	g.str()
	return Insn{Op: class | SrcX | op, Dst: dst, Src: g.reg(), Off: off}
}

func buildALUImm(g *groups) Insn {
	class := aluClass(g)
	dst := g.reg()
	op, off := g.aluOperator()
	return Insn{Op: class | op, Dst: dst, Off: off, Imm: g.num(32)}
}
