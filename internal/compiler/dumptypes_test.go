package compiler

import (
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

func TestDumpTypes(t *testing.T) {
	_, rep, got := compileText(t, `tracepoint:a:b /args.id > 1/ { $x = (args.ret, comm); @a[$x.1] = sum($x.0); }`, "types")
	if rep.Failed() {
		t.Fatal(rep.All()[0].Msg)
	}
	testkit.Equal(t, "dump", `@a[string[16]]: sum_t
probe tracepoint:a:b
  1:17     args.id > 1: bool
  1:17     args.id: int64
  1:17     args: struct args
  1:27     1: int8 = 1
  1:32     $x: (int64,string[16])
  1:37     (args.ret, comm): (int64,string[16])
  1:38     args.ret: int64
  1:38     args: struct args
  1:48     comm: string[16]
  1:55     @a[$x.1]: sum_t
  1:58     $x.1: string[16]
  1:58     $x: (int64,string[16])
  1:66     sum($x.0): sum_t
  1:70     $x.0: int64
  1:70     $x: (int64,string[16])
`, got)
}
