package bpfgen

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
)

// largeProg has about n values: arithmetic on values of all ages, branches every few
// values and calls now and then.
func largeProg(n int) *ssa.Prog {
	z := &randomizer{Rand: rand.New(rand.NewPCG(7, 7)), f: ssa.NewFunc("main", ssa.FuncProg, []ssa.Type{ssa.Ptr}, ssa.I64)}
	z.b = z.f.Entry()
	ctx := z.aux(ssa.OpParam, ssa.Ptr, 0, nil)
	for i := range int64(randomArgs) {
		z.add(z.aux(ssa.OpLoad, ssa.I64, 8*i, ssa.Mem{Size: 8, Class: ssa.MemCtx}, ctx))
		z.add(z.constant(ssa.I32))
	}
	for z.f.NumValues() < n {
		for range 8 {
			z.arith()
			z.width()
		}
		c := z.pick(ssa.Bool)
		from := z.b
		from.Kind = ssa.BlockIf
		from.SetControl(c)
		arm, join := z.f.NewBlock(ssa.BlockPlain), z.f.NewBlock(ssa.BlockRet)
		from.AddEdge(arm)
		from.AddEdge(join)
		a := z.pick(ssa.I64)
		z.b = arm
		z.aux(ssa.OpCall, ssa.I64, getSmpProcessorID, nil)
		b := z.aux(ssa.OpAdd, ssa.I64, 0, nil, a, z.constant(ssa.I64))
		arm.AddEdge(join)
		z.b = join
		phi := z.aux(ssa.OpPhi, ssa.I64, 0, nil)
		for _, p := range join.Preds {
			if p == arm {
				phi.AddArg(b)
			} else {
				phi.AddArg(a)
			}
		}
		z.add(phi)
		for t := range z.pools {
			z.pools[t] = z.pools[t][max(0, len(z.pools[t])-12):]
		}
	}
	z.ret()
	return &ssa.Prog{Name: "large", Funcs: []*ssa.Func{z.f}, Scratch: -1}
}

func TestLargeFunctionIsQuick(t *testing.T) {
	p := largeProg(100_000)
	begin := time.Now()
	c, err := Generate(p, Options{CPU: V4})
	took := time.Since(begin)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d values, %d instructions, %v", p.Funcs[0].NumValues(), len(c.Insns), took)
	// Below a second on an idle machine; what is quadratic takes minutes.
	if took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func BenchmarkGenerate(b *testing.B) {
	p := largeProg(10_000)
	for b.Loop() {
		if _, err := Generate(p, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// farProg jumps over n stores.
func farProg(n int) *ssa.Prog {
	z := &randomizer{f: ssa.NewFunc("main", ssa.FuncProg, []ssa.Type{ssa.Ptr}, ssa.I64)}
	z.b = z.f.Entry()
	slot := z.f.NewSlot("s", 8, 8)
	ctx := z.aux(ssa.OpParam, ssa.Ptr, 0, nil)
	z.b.Kind = ssa.BlockIf
	z.b.SetControl(z.aux(ssa.OpLoad, ssa.I64, 0, ssa.Mem{Size: 8, Class: ssa.MemCtx}, ctx))
	entry, body, end := z.b, z.f.NewBlock(ssa.BlockPlain), z.f.NewBlock(ssa.BlockRet)
	entry.AddEdge(body)
	entry.AddEdge(end)
	z.b = body
	for range n {
		p, one := z.aux(ssa.OpSlotAddr, ssa.Ptr, 0, slot), z.aux(ssa.OpConst, ssa.I64, 1, nil)
		z.aux(ssa.OpStore, ssa.Void, 0, ssa.Mem{Size: 8, Class: ssa.MemSlot}, p, one)
	}
	body.AddEdge(end)
	z.b = end
	z.b.SetControl(z.aux(ssa.OpConst, ssa.I64, 5, nil))
	return &ssa.Prog{Name: "far", Funcs: []*ssa.Func{z.f}, Scratch: -1}
}

func TestFarJump(t *testing.T) {
	if _, err := Generate(farProg(30_000), Options{}); err != nil {
		t.Errorf("a jump of 30000 instructions: %v", err)
	}
	_, err := Generate(farProg(40_000), Options{})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "too far") {
		t.Errorf("a jump of 40000 instructions with v3: %v", err)
	}
	c, err := Generate(farProg(40_000), Options{CPU: V4})
	if err != nil {
		t.Fatalf("a jump of 40000 instructions with v4: %v", err)
	}
	if !strings.Contains(listing(c), "gotol pc+4") {
		t.Errorf("no long jump in %d instructions", len(c.Insns))
	}
	if _, err := isa.Graph(c.Insns); err != nil {
		t.Error(err)
	}
}

func TestTooMuchStack(t *testing.T) {
	const text = `
prog "t" scratch=%s offset=0 size=0
func main prog(Ptr) I64 {
  slot s0 "big" size=600 align=8
b0:
  v0 = slotaddr Ptr s0
  zero.8 v0 600 !slot
  v1 = load.u8 I64 v0 !slot
  ret v1
}
`
	_, err := Generate(parse(t, strings.Replace(text, "%s", "-1", 1)), Options{})
	if err == nil || !strings.Contains(err.Error(), "function main: needs 600 bytes of stack; BPF has 512") {
		t.Errorf("600 bytes on the stack: %v", err)
	}
	p := parse(t, strings.Replace(text, "%s", "1", 1))
	c, err := Generate(p, Options{ScratchCPUs: 4})
	if err != nil || c.ScratchSize != 640 || p.ScratchSize != 640 || c.Stack[0] != 0 {
		t.Errorf("600 bytes with scratch memory: %v, %+v", err, c)
	}
	if _, err := Generate(p, Options{CPU: 2}); err == nil {
		t.Error("no error for level v2")
	}
}

func TestScratchRowIsPatched(t *testing.T) {
	p := parse(t, `
prog "t" scratch=1 offset=0 size=0
func main prog(Ptr) I64 {
  slot s0 "big" size=100 align=8 scratch
b0:
  v0 = slotaddr Ptr s0
  v1 = const I64 1
  store.8 v0 v1 !slot
  ret
}
`)
	c := generate(t, p, Options{ScratchCPUs: 4})
	for _, row := range []struct {
		size uint32
		want string
	}{{192, "r0 *= 192"}, {256, "r0 <<= 8"}, {128, "r0 <<= 7"}} {
		c.SetScratchRow(row.size)
		if got := listing(c); !strings.Contains(got, row.want) {
			t.Errorf("rows of %d bytes: no %q in\n%s", row.size, row.want, got)
		}
	}
}

// Values that are spilled need the stack, too: slots that may go make room for them.
func TestSpillsDriveSlotsOffTheStack(t *testing.T) {
	const values = 40
	text := "prog \"t\" scratch=%s offset=0 size=0\nfunc main prog(Ptr) I64 {\n  slot s0 \"a\" size=360 align=8\nb0:\n" +
		"  v0 = param Ptr 0\n  v1 = slotaddr Ptr s0\n  zero.8 v1 360 !slot\n  v2 = load.u8 I64 v1 +8 !slot\n"
	for i := range values {
		text += fmt.Sprintf("  v%d = load.u8 I64 v0 +%d !ctx\n", 3+i, 8*i)
	}
	text += fmt.Sprintf("  v%d = const I64 4\n  v%d = callfunc I64 &sub v%d\n", 3+values, 4+values, 3+values)
	sum := 4 + values
	for i := range values {
		text += fmt.Sprintf("  v%d = xor I64 v%d v%d\n", sum+1, sum, 3+i)
		sum++
	}
	text += fmt.Sprintf("  store.8 v1 v%d !slot\n  ret v2\n}\nfunc sub sub(I64) I64 {\nb0:\n  v0 = param I64 0\n  ret v0\n}\n", sum)
	_, err := Generate(parse(t, strings.Replace(text, "%s", "-1", 1)), Options{})
	if err == nil || !strings.Contains(err.Error(), "bytes of stack; BPF has 512") {
		t.Errorf("without scratch memory: %v", err)
	}
	c, err := Generate(parse(t, strings.Replace(text, "%s", "1", 1)), Options{ScratchCPUs: 4})
	if err != nil || c.ScratchSize < 360 || c.Stack[0] > MaxStack || c.Stack[0] < 8*(values-8) {
		t.Errorf("with scratch memory: %v, %+v", err, c)
	}
}

// The frames of a call chain share the 512 bytes.
func TestCallChainStack(t *testing.T) {
	const text = `
prog "t" scratch=%s offset=0 size=0
func main prog(Ptr) I64 {
  slot s0 "a" size=300 align=8
b0:
  v0 = slotaddr Ptr s0
  zero.8 v0 296 !slot
  v1 = const I64 3
  v2 = callfunc I64 &sub v1
  v3 = load.u8 I64 v0 !slot
  v4 = add I64 v2 v3
  ret v4
}
func sub sub(I64) I64 {
  slot s0 "b" size=300 align=8
b0:
  v0 = param I64 0
  v1 = slotaddr Ptr s0
  zero.8 v1 296 !slot
  store.8 v1 v0 +8 !slot
  v2 = load.u8 I64 v1 +8 !slot
  ret v2
}
`
	_, err := Generate(parse(t, strings.Replace(text, "%s", "-1", 1)), Options{})
	if err == nil || !strings.Contains(err.Error(), "needs 640 bytes of stack; BPF has 512") {
		t.Errorf("two frames of 304 bytes: %v", err)
	}
	c, err := Generate(parse(t, strings.Replace(text, "%s", "1", 1)), Options{ScratchCPUs: 4})
	if err != nil {
		t.Fatalf("with scratch memory: %v", err)
	}
	if c.Stack[0]+c.Stack[1] > MaxStack || c.ScratchSize == 0 {
		t.Errorf("frames %d, scratch %d", c.Stack, c.ScratchSize)
	}
}

func TestRecursionIsAnError(t *testing.T) {
	_, err := Generate(parse(t, `
prog "t" scratch=-1 offset=0 size=0
func main prog(Ptr) I64 {
b0:
  v0 = const I64 3
  v1 = callfunc I64 &sub v0
  ret v1
}
func sub sub(I64) I64 {
b0:
  v0 = param I64 0
  v1 = callfunc I64 &sub v0
  ret v1
}
`), Options{})
	if err == nil || !strings.Contains(err.Error(), "no recursion") {
		t.Errorf("a function that calls itself: %v", err)
	}
}
