package show

import (
	"bytes"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/inspect"
)

// TestNetfilter: the members have bpftool's names, where a program's number is "id".
func TestNetfilter(t *testing.T) {
	n := &inspect.Net{Netfilter: []*inspect.Link{{ID: 7, Prog: 91, Netfilter: &inspect.NetfilterLink{PF: 2, Hook: 1, Priority: -5, Flags: 1}}}}
	var out bytes.Buffer
	p := &Printer{JSON: NewJSON(&out, false)}
	p.Net(n)
	if err := p.JSON.Close(); err != nil {
		t.Fatal(err)
	}
	if want := `"netfilter":[{"pf":2,"hook":1,"prio":-5,"flags":1,"id":91}]`; !strings.Contains(out.String(), want) {
		t.Errorf("%s has no %s", out.String(), want)
	}
}
