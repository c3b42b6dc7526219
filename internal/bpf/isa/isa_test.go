package isa

import (
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"testing"
)

// The hex is what clang's assembler makes of the text (RFC 9669).
var encodings = []struct {
	in   Insn
	hex  string // little-endian
	text string
}{
	{Mov(R6, R1), "bf16000000000000", "r6 = r1"},
	{MovImm(R0, -1), "b7000000ffffffff", "r0 = -1"},
	{Mov32(R2, R3), "bc32000000000000", "w2 = w3"},
	{Mov32Imm(R2, 7), "b402000007000000", "w2 = 7"},
	{MovSX(R1, R2, 8), "bf21080000000000", "r1 = (s8)r2"},
	{ALU(AluADD, R1, R2), "0f21000000000000", "r1 += r2"},
	{ALUImm(AluSUB, R1, 16), "1701000010000000", "r1 -= 16"},
	{ALU32(AluXOR, R1, R1), "ac11000000000000", "w1 ^= w1"},
	{ALU32Imm(AluARSH, R9, 31), "c40900001f000000", "w9 s>>= 31"},
	{ALUImm(AluMOD, R3, 10), "970300000a000000", "r3 %= 10"},
	{Insn{Op: ClassALU64 | SrcX | AluDIV, Dst: R1, Src: R2, Off: 1}, "3f21010000000000", "r1 s/= r2"},
	{Neg(R5), "8705000000000000", "r5 = -r5"},
	{ToBE(R1, 16), "dc01000010000000", "r1 = be16 r1"},
	{ToLE(R1, 64), "d401000040000000", "r1 = le64 r1"},
	{Insn{Op: ClassALU64 | AluEND, Dst: R1, Imm: 32}, "d701000020000000", "r1 = bswap32 r1"},
	{LoadImm64(R1, 0x1122334455667788), "18010000887766550000000044332211", "r1 = 0x1122334455667788"},
	{LoadPseudo(R1, PseudoMapFD, 5), "18110000050000000000000000000000", "r1 = map[fd:5]"},
	{LoadPseudo(R1, PseudoMapValue, 5|16<<32), "18210000050000000000000010000000", "r1 = map[fd:5][0]+16"},
	{LoadPseudo(R2, PseudoFunc, 9), "18420000090000000000000000000000", "r2 = subprog[+9]"},
	{Load(SizeDW, R0, R1, 8), "7910080000000000", "r0 = *(u64 *)(r1 +8)"},
	{Load(SizeB, R0, R10, -1), "71a0ffff00000000", "r0 = *(u8 *)(r10 -1)"},
	{LoadSX(SizeW, R3, R4, 4), "8143040000000000", "r3 = *(s32 *)(r4 +4)"},
	{Store(SizeH, R10, -8, R2), "6b2af8ff00000000", "*(u16 *)(r10 -8) = r2"},
	{StoreImm(SizeDW, R10, -16, 0), "7a0af0ff00000000", "*(u64 *)(r10 -16) = 0"},
	{Atomic(AtomicADD, SizeDW, R1, 0, R2), "db21000000000000", "lock *(u64 *)(r1 +0) += r2"},
	{Atomic(AtomicADD|AtomicFETCH, SizeW, R1, 4, R2), "c321040001000000", "r2 = atomic_fetch_add((u32 *)(r1 +4), r2)"},
	{Atomic(AtomicXCHG, SizeDW, R1, 0, R2), "db210000e1000000", "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"},
	{Atomic(AtomicCMPXCHG, SizeDW, R1, 0, R2), "db210000f1000000", "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"},
	{Jump(4), "0500040000000000", "goto pc+4"},
	{JumpLong(-70000), "0600000090eefeff", "gotol pc-70000"},
	{JumpIfImm(JmpJEQ, R1, 0, 4), "1501040000000000", "if r1 == 0x0 goto pc+4"},
	{JumpIf(JmpJSGT, R1, R2, -2), "6d21feff00000000", "if r1 s> r2 goto pc-2"},
	{JumpIf32Imm(JmpJSET, R7, -1, 1), "46070100ffffffff", "if w7 & 0xffffffff goto pc+1"},
	{JumpIf32(JmpJLE, R7, R8, 1), "be87010000000000", "if w7 <= w8 goto pc+1"},
	{Call(1), "8500000001000000", "call bpf_map_lookup_elem#1"},
	{CallFunc(3), "8510000003000000", "call pc+3"},
	{CallKfunc(99), "8520000063000000", "call kernel-function#99"},
	{Exit(), "9500000000000000", "exit"},
	{Insn{Op: ClassLD | ModeABS | SizeH, Imm: 12}, "280000000c000000", "r0 = *(u16 *)skb[12]"},
	{Insn{Op: ClassLD | ModeIND | SizeB, Src: R1, Imm: 14}, "501000000e000000", "r0 = *(u8 *)skb[r1 + 14]"},
}

func testPrinter() *Printer {
	return &Printer{Helper: func(id int64) string {
		if id == 1 {
			return "map_lookup_elem"
		}
		return ""
	}}
}

func TestEncodings(t *testing.T) {
	for _, c := range encodings {
		b, err := Encode([]Insn{c.in}, binary.LittleEndian)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := hex.EncodeToString(b); got != c.hex {
			t.Errorf("%s: encodes to %s, want %s", c.text, got, c.hex)
		}
		if got := testPrinter().Text(0, c.in); got != c.text {
			t.Errorf("text of %+v: %q, want %q", c.in, got, c.text)
		}
		back, err := Assemble(c.text)
		if err != nil || len(back) != 1 || back[0] != c.in {
			t.Errorf("assemble %q: %+v, %v, want %+v", c.text, back, err, c.in)
		}
		for _, bo := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			b, _ := Encode([]Insn{c.in}, bo)
			back, err := Decode(b, bo)
			if err != nil || len(back) != 1 || back[0] != c.in {
				t.Errorf("%s, %v: decodes to %+v, %v", c.text, bo, back, err)
			}
		}
	}
}

func TestBigEndian(t *testing.T) {
	b, err := Encode([]Insn{Load(SizeDW, R0, R1, 8), MovImm(R3, 1)}, binary.BigEndian)
	if got := hex.EncodeToString(b); err != nil || got != "7901000800000000"+"b730000000000001" {
		t.Errorf("big-endian: %s, %v", got, err)
	}
}

func TestEncodeRefusesLargeImmediate(t *testing.T) {
	in := MovImm(R0, 0)
	in.Imm = 1 << 40
	if _, err := Encode([]Insn{in}, binary.LittleEndian); err == nil {
		t.Error("no error for a 41-bit immediate")
	}
}

func TestAssembleErrors(t *testing.T) {
	for _, s := range []string{"r11 = 1", "r1 =+ 2", "goto +3", "r1 = be16 r2", "r1 = *(u64 *)(r2 +99999)",
		"if r1 = r2 goto pc+1", "r3 = atomic64_xchg((u64 *)(r1 +0), r2)", "r1 = 99999999999"} {
		if in, err := Assemble(s); err == nil {
			t.Errorf("%q assembles to %v", s, in)
		}
	}
}

func TestAssembleListing(t *testing.T) {
	prog := make([]Insn, len(encodings))
	for i, c := range encodings {
		prog[i] = c.in
	}
	back, err := Assemble("; a comment\n\n" + testPrinter().Listing(prog))
	if err != nil || !reflect.DeepEqual(back, prog) {
		t.Errorf("listing doesn't assemble to itself: %v", err)
	}
	if in, err := Assemble("   3: (79) r1 = *(u64 *)(r1 +8)"); err != nil || in[0] != Load(SizeDW, R1, R1, 8) {
		t.Errorf("kernel's form: %v, %v", in, err)
	}
}

func TestGraph(t *testing.T) {
	prog, err := Assemble(`
		r1 = 0x1122334455
		if r1 == 0x0 goto pc+2
		r0 = 1
		goto pc+1
		r0 = 2
		exit`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Graph(prog)
	want := []Block{{0, 2, []int{2, 1}}, {2, 4, []int{3}}, {4, 5, []int{3}}, {5, 6, nil}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("graph: %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"goto pc+1\nexit", "r0 = 1", "goto pc+1\nr1 = 0x1122334455\nexit"} {
		p, _ := Assemble(bad)
		if g, err := Graph(p); err == nil {
			t.Errorf("%q: graph %+v, want an error", bad, g)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range encodings {
		b, _ := hex.DecodeString(c.hex)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		prog, err := Decode(b, binary.LittleEndian)
		if err != nil {
			return
		}
		enc, err := Encode(prog, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(enc, binary.LittleEndian)
		if err != nil || !reflect.DeepEqual(back, prog) {
			t.Fatalf("round trip of %x: %v", b, err)
		}
		for n, in := range prog {
			text := (&Printer{}).Text(n, in)
			if in.Dst > R10 || in.Src > R10 {
				continue
			}
			again, err := Assemble(text)
			if err != nil {
				t.Fatalf("%+v: %q: %v", in, text, err)
			}
			if got := (&Printer{}).Text(n, again[0]); got != text {
				t.Fatalf("%q assembles to %q", text, got)
			}
		}
		_, _ = Graph(prog)
	})
}
