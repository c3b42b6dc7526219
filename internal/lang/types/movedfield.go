package types

import (
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// movedFields are members of the kernel's structs that tracing scripts read and that have
// another name on other kernels, older or newer.
var movedFields = []struct{ in, old, now string }{
	{"struct request", "rq_disk", "q.disk"},
	{"struct bio", "bi_disk", "bi_bdev.bd_disk"},
	{"struct task_struct", "state", "__state"},
	{"struct task_struct", "__state", "state"},
	{"struct cfs_rq", "nr_running", "nr_queued"},
	{"struct cfs_rq", "nr_queued", "nr_running"},
	{"struct dentry", "d_iname", "d_shortname.string"},
	{"struct dentry", "d_shortname", "d_iname"},
	{"struct inode", "i_atime", "i_atime_sec"},
	{"struct inode", "i_mtime", "i_mtime_sec"},
	{"struct inode", "i_ctime", "i_ctime_sec"},
	{"struct file", "f_count", "f_ref"},
	{"struct iov_iter", "type", "iter_type"},
	{"struct kernfs_node", "parent", "__parent"},
	{"struct kernfs_node", "__parent", "parent"},
	{"struct module", "core_layout", "mem"},
}

// movedField is what the member name is called in a struct that has the fields; "": nothing
// is known of it.
func movedField(in, name string, fields []string) string {
	for _, m := range movedFields {
		first, _, _ := strings.Cut(m.now, ".")
		if m.in == in && m.old == name && slices.Contains(fields, first) {
			return m.now
		}
	}
	return ""
}

// noField reports a name that no member of what has.
func (c *checker) noField(name *syntax.Ident, what string, fields []Field) {
	d := c.errorf(diag.CodeUnknownField, name.Span(), "%s has no field %s", what, name.Name)
	names := fieldNames(fields)
	if now := movedField(what, name.Name, names); now != "" {
		d.Note("it has another name on this kernel").Suggest(now)
		return
	}
	if near := nearest(name.Name, names); near != "" {
		d.Suggest(near)
	}
}
