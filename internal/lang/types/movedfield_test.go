package types

import (
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
)

// TestMovedField: a member that has another name is suggested by that, not by the nearest.
func TestMovedField(t *testing.T) {
	d := check(t, "begin { $q = (struct cfs_rq *)0; print($q.nr_queued); }", Options{}).rep.All()[0]
	if d.Code != diag.CodeUnknownField || d.Fix == nil || d.Fix.Text != "nr_running" {
		t.Errorf("%s %s, fix %v", d.Code, d.Msg, d.Fix)
	}
	if now := movedField("struct cfs_rq", "nr_queued", []string{"h_nr_queued"}); now != "" {
		t.Errorf("%s is no member here", now)
	}
}
