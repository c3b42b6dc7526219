package doctor

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("skip(no proc): %v", err)
	}
	return len(entries)
}

func TestExamineLive(t *testing.T) {
	root := os.DirFS("/")
	before := descriptors(t)
	k, files := kern.New(root), exe.NewFiles(root)
	r := Examine(k, files, root)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if err := files.Close(); err != nil {
		t.Error(err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
	for _, row := range r.Rows {
		if row.OK == (row.Reason != "") {
			t.Errorf("%s: ok %v, reason %q", row.Item, row.OK, row.Reason)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, row := range r.Rows {
		if (row.Item == "ring buffer" || row.Item == "begin, end") && !row.OK {
			t.Errorf("root has no %s: %s", row.Item, row.Reason)
		}
	}
	var text, js bytes.Buffer
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.PrintJSON(&js); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(js.Bytes(), &back); err != nil || len(back.Rows) != len(r.Rows) {
		t.Errorf("JSON: %v", err)
	}
	t.Logf("\n%s", text.String())
}

// machine is an exam of settings on paper.
func machine(caps sys.Caps, settings map[string]string) *exam {
	root := fstest.MapFS{}
	for name, text := range settings {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	e := &exam{kernel: kern.New(root), files: exe.NewFiles(root), root: root, caps: caps}
	e.version, _ = e.kernel.Version()
	return e
}

func TestSettings(t *testing.T) {
	const root = sys.Caps(1 << sys.CapSysAdmin)
	for _, tt := range []struct {
		name     string
		look     func(*exam) Row
		caps     sys.Caps
		settings map[string]string
		ok       bool
		want     string
	}{
		{"old kernel", (*exam).lookKernel, root, map[string]string{"proc/sys/kernel/osrelease": "4.19.0-1\n"}, false, "older than 5.10"},
		{"kernel", (*exam).lookKernel, root, map[string]string{"proc/sys/kernel/osrelease": "6.12.48+deb13-amd64\n"}, true, "6.12.48"},
		{"no BTF", (*exam).lookBTF, root, nil, false, "CONFIG_DEBUG_INFO_BTF"},
		{"no tracefs", (*exam).lookTracefs, 0, nil, false, "isn't mounted"},
		{"tracefs", (*exam).lookTracefs, 0, map[string]string{"sys/kernel/debug/tracing/events/x/y/id": "1"}, true, "/sys/kernel/debug/tracing"},
		{"hidden", (*exam).lookSymbols, 0, map[string]string{"proc/kallsyms": "0000000000000000 T a\n", "proc/sys/kernel/kptr_restrict": "2"}, false, "kptr_restrict=2"},
		{"shown", (*exam).lookSymbols, 0, map[string]string{"proc/kallsyms": "ffffffff81000000 T a\n"}, true, "shown"},
		{"no JIT", (*exam).lookJIT, root, map[string]string{"proc/sys/net/core/bpf_jit_enable": "0\n"}, false, "interpreted"},
		{"lockdown", (*exam).lookLockdown, root, map[string]string{"sys/kernel/security/lockdown": "none integrity [confidentiality]\n"}, false, "confidentiality"},
		{"integrity", (*exam).lookLockdown, root, map[string]string{"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}, true, "integrity"},
		{"no caps", (*exam).lookCaps, 1 << sys.CapBPF, nil, false, "lacking CAP_PERFMON"},
		{"caps", (*exam).lookCaps, 1<<sys.CapBPF | 1<<sys.CapPerfmon, nil, true, "CAP_BPF"},
		{"unprivileged", (*exam).lookUnprivileged, 0, map[string]string{"proc/sys/kernel/unprivileged_bpf_disabled": "2"}, false, "=2"},
		{"paranoid", (*exam).lookParanoid, 0, map[string]string{"proc/sys/kernel/perf_event_paranoid": "2"}, false, "=2"},
		{"paranoid root", (*exam).lookParanoid, root, map[string]string{"proc/sys/kernel/perf_event_paranoid": "2"}, true, "2"},
	} {
		row := tt.look(machine(tt.caps, tt.settings))
		if row.OK != tt.ok || !strings.Contains(row.Detail+row.Reason, tt.want) || !row.OK && row.Mend == "" {
			t.Errorf("%s: %+v", tt.name, row)
		}
	}
}
