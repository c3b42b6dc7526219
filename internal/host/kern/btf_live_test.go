package kern

import (
	"os"
	"testing"
)

func liveBTF(tb testing.TB) *BTF {
	tb.Helper()
	b, err := New(os.DirFS("/")).BTF()
	if err != nil {
		tb.Skipf("skip(no BTF): %v", err)
	}
	return b
}

func BenchmarkOpenBTF(b *testing.B) {
	liveBTF(b)
	b.ReportAllocs()
	for b.Loop() {
		k := New(os.DirFS("/"))
		if _, err := k.BTF(); err != nil {
			b.Fatal(err)
		}
		k.Close()
	}
}

func BenchmarkFindType(b *testing.B) {
	btf := liveBTF(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := btf.Find("task_struct", KindStruct); !ok {
			b.Fatal("no task_struct")
		}
	}
}

func BenchmarkFindFunc(b *testing.B) {
	btf := liveBTF(b)
	for b.Loop() {
		if _, ok := btf.Find("__bpf_trace_sched_switch", KindFunc); !ok {
			b.Fatal("none")
		}
	}
}
