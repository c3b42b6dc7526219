package bpfgen

import (
	"encoding/binary"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/helper"
	"github.com/skep-bpf/skep/internal/bpf/isa"
)

// runOnce loads and runs c; map 0 is the array of results, map 1 scratch memory. A
// program with more paths than the verifier walks isn't run.
func runOnce(t testing.TB, c *Code, args []uint64, out []byte) (ret uint32, results []byte, ran bool) {
	t.Helper()
	maps := []*arrayMap{newArrayMap(t, max(len(out), 8)), newArrayMap(t, 64*4096)}
	if len(out) > 0 {
		maps[0].write(t, out)
	}
	fd, err := loadProg(t, c, maps)
	if errors.Is(err, syscall.E2BIG) {
		return 0, nil, false
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, listing(c))
	}
	defer syscall.Close(fd)
	ret = testRun(t, fd, args)
	return ret, maps[0].read(t), true
}

func u64s(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return out
}

func TestRuns(t *testing.T) {
	needRoot(t)
	k := probeKernel(t)
	for _, c := range runCases {
		for cpu := V3; cpu <= k.cpu; cpu++ {
			t.Run(c.name, func(t *testing.T) {
				if strings.Contains(c.text, "#181") && !hasHelper(t, 181) {
					t.Skip("bpf_loop came with 5.17")
				}
				code := generate(t, parse(t, c.text), Options{CPU: cpu, ScratchCPUs: 64})
				ret, _, ran := runOnce(t, code, c.args, nil)
				if !ran || ret != c.want {
					t.Errorf("v%d: returns %#x, want %#x\n%s", cpu, ret, c.want, listing(code))
				}
			})
		}
	}
}

// TestTextIsTheKernels compares the disassembler with the verifier's log.
func TestTextIsTheKernels(t *testing.T) {
	needRoot(t)
	k := probeKernel(t)
	line := regexp.MustCompile(`^(\d+): \([0-9a-f]{2}\) ([^;\t]*[^;\t ])`)
	printer := isa.Printer{Helper: helper.Name}
	compared := 0
	for seed := range uint64(20) {
		c := generate(t, randomProg(seed, 60, !k.fetch), Options{CPU: k.cpu, ScratchCPUs: 64})
		fd, log, err := loadProgLog(t, c, []*arrayMap{newArrayMap(t, 8*outWords), newArrayMap(t, 64*4096)}, 2)
		if err != nil {
			continue // more paths than the log has room for
		}
		syscall.Close(fd)
		index := isa.SlotIndex(c.Insns)
		for _, l := range strings.Split(log, "\n") {
			l, _, _ = strings.Cut(l, " // ") // what 7.3 found out about arguments
			m := line.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			slot, _ := strconv.Atoi(m[1])
			n := index[slot]
			decided := c.Insns[n].IsBranch() && strings.HasPrefix(m[2], "goto") // by the verifier
			if !c.Insns[n].Wide() && !decided {
				compared++
				if got := printer.Text(n, c.Insns[n]); got != m[2] {
					t.Errorf("%+v: %q, the kernel's text is %q", c.Insns[n], got, m[2])
				}
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d instructions compared", compared)
	}
}

var runCases = []struct {
	name string
	args []uint64
	want uint32
	text string
}{
	{"constant", nil, 42, `
prog "t" scratch=-1 offset=0 size=0
func main prog(Ptr) I64 {
b0:
  v0 = const I64 42
  ret v0
}
`},
	{"loop", []uint64{10}, 45, `
prog "t" scratch=-1 offset=0 size=0
func main prog(Ptr) I64 {
b0:
  v0 = param Ptr 0
  v1 = load.u8 I64 v0 !ctx
  v2 = const I64 0
  v3 = const I64 1
  v10 = const I64 100
  jump b1
b1: <- b0 b2
  v4 = phi I64 v2 v7
  v5 = phi I64 v2 v8
  v6 = ult Bool v4 v10
  v9 = ult Bool v4 v1
  v11 = and Bool v6 v9
  if v11 b2 b3 likely
b2: <- b1
  v8 = add I64 v5 v4
  v7 = add I64 v4 v3
  jump b1
b3: <- b1
  ret v5
}
`},
	{"callback sums in its context", []uint64{7}, 52, `
prog "t" scratch=1 offset=0 size=0
func main prog(Ptr) I64 {
  slot s0 "sum" size=16 align=8 captured
b0:
  v0 = param Ptr 0
  v1 = load.u8 I64 v0 !ctx
  v2 = slotaddr Ptr s0
  store.8 v2 v1 !slot
  v3 = const I64 0
  store.8 v2 v3 +8 !slot
  v4 = const I64 10
  v5 = funcaddr Ptr &cb
  v6 = call I64 #181 v4 v5 v2 v3
  v7 = load.u8 I64 v2 !slot
  ret v7
}
func cb callback(I64, Ptr) I64 {
  slot s0 "big" size=400 align=8 scratch
b0:
  v0 = param I64 0
  v1 = param Ptr 1
  v2 = slotaddr Ptr s0 +392
  store.8 v2 v0 !slot
  v3 = load.u8 I64 v1 !slot
  v4 = load.u8 I64 v2 !slot
  v5 = add I64 v3 v4
  store.8 v1 v5 !slot
  v6 = const I64 0
  ret v6
}
`},
	{"large zero and move by helper", []uint64{7}, 7, `
prog "t" scratch=1 offset=0 size=0
func main prog(Ptr) I64 {
  slot s0 "a" size=600 align=8 scratch
  slot s1 "b" size=600 align=8 scratch
b0:
  v0 = param Ptr 0
  v1 = slotaddr Ptr s0
  v2 = slotaddr Ptr s1
  v3 = load.u8 I64 v0 !ctx
  v4 = const I64 -1
  store.8 v1 v4 +592 !slot
  zero.8 v1 600 !slot
  store.8 v1 v3 +8 !slot
  move.8 v2 v1 600 !slot !slot
  v5 = load.u8 I64 v2 +592 !slot
  v6 = load.u8 I64 v2 +8 !slot
  v7 = add I64 v5 v6
  ret v7
}
`},
	{"smallest number divided by -1", []uint64{1 << 63, ^uint64(0)}, 1, `
prog "t" scratch=-1 offset=0 size=0
func main prog(Ptr) I64 {
b0:
  v0 = param Ptr 0
  v1 = load.u8 I64 v0 !ctx
  v2 = load.u8 I64 v0 +8 !ctx
  v3 = sdiv I64 v1 v2
  v4 = smod I64 v1 v2
  v5 = eq Bool v3 v1
  v6 = zext8 I64 v5
  v7 = add I64 v6 v4
  ret v7
}
`},
}
