package discover

import (
	"errors"
	"io/fs"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/probe"
)

// errNoProgs: only bpf(2) tells of the programs that run, and a check doesn't call it.
var errNoProgs = errors.New("the running BPF programs are listed by bpf(2)")

// unreadable reports whether err is for want of privilege: what it's about may be there.
func unreadable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, kern.ErrNoTracefs) || errors.Is(err, errNoProgs)
}

// unread is p for a check that can't look it up because of err. A tracepoint that BTF knows is
// there; else a note says that it wasn't checked.
func (f *Finder) unread(p *probe.Point, err error, rep *diag.Reporter) *probe.Point {
	q := *p
	q.Blind = true
	reason := err.Error()
	if path := new(fs.PathError); errors.As(err, &path) {
		reason = "this user can't read /" + path.Path
	}
	if p.Kind == probe.Tracepoint {
		reason = "this user can't read tracefs"
		if !p.Wild {
			known, near := f.tracepointInBTF(p.Func)
			if known {
				q.Unread = reason
				return &q
			}
			d := rep.Notef(diag.NoteUnchecked, p.Span, "%s wasn't checked: %s", p.Text, reason)
			if near != "" && p.Target != "syscalls" {
				d.Note("the kernel's types know a tracepoint %s, and none that is called %s", near, p.Func)
			}
			return &q
		}
	}
	rep.Notef(diag.NoteUnchecked, p.Span, "%s wasn't checked: %s", p.Text, reason)
	return &q
}

// tracepointInBTF reports whether the kernel's types tell of a tracepoint, or else which is
// called nearly the same. They don't tell of all: system calls share two.
func (f *Finder) tracepointInBTF(name string) (known bool, near string) {
	btfs, err := f.btfs("")
	if err != nil {
		return false, ""
	}
	for b := range btfs {
		if _, ok := b.FindOwn(rawPrefix+name, kern.KindTypedef); ok {
			return true, ""
		}
	}
	return false, probe.Nearest(name, rawNames(btfs, "*"))
}

// checkedFunction is the point of a kprobe. Whether the kernel has the function turns out when
// it's attached, and in a check, which doesn't, by the list of symbols, if that can be read.
func (f *Finder) checkedFunction(p *probe.Point) ([]*probe.Point, error) {
	if f.CheckOnly && !p.HasAddr && p.Func != "" && !f.hasFunction(p.Func) && len(f.functions) > 0 {
		return nil, f.noKernelFunc(p, f.hasFunction)
	}
	return []*probe.Point{p}, nil
}
