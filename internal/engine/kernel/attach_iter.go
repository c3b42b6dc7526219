package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

var _ engine.Iterator = (*session)(nil)

// taskIters are the iterators that can keep to one process.
var taskIters = []string{"task", "task_file", "task_vma"}

// v6_1IterPid is the kernel whose iterators over tasks take a process.
const v6_1IterPid = 6<<16 | 1<<8

// attachIters makes iterators of a program, which run when they're read, or pins them.
func attachIters(s *session, p *program, points []object.Point) (int, error) {
	return s.each(points, func(pt *object.Point) error {
		pid := 0
		if slices.Contains(taskIters, pt.Func) {
			pid = s.pid(pt)
		}
		if pid != 0 && s.version < v6_1IterPid {
			return errors.New("iterators of one process need Linux 6.1; a filter on ctx.task.pid doesn't")
		}
		link, err := sys.LinkIter(p.fd, attachIter, pid)
		if err != nil {
			return err
		}
		s.hold(link)
		if pt.Pin != "" {
			return pin(link, pt.Pin)
		}
		fd, err := sys.IterCreate(link)
		if err != nil {
			return err
		}
		s.hold(fd)
		p.iter = fd
		return nil
	})
}

// pin says what is wrong with a path.
func pin(link int, path string) error {
	err := sys.Pin(link, path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sys.EEXIST):
		return fmt.Errorf("%s exists already", path)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, sys.EINVAL), errors.Is(err, sys.EPERM):
		return fmt.Errorf("%s isn't in a BPF file system (mount -t bpf bpf /sys/fs/bpf)", filepath.Dir(path))
	}
	return fmt.Errorf("pin to %s: %w", path, err)
}

// iterBatch is the objects that an iterator goes through at a time: the program writes a
// byte for each, and the kernel stops when what was asked for is full (bpf_seq_read,
// kernel/bpf/bpf_iter.c).
const iterBatch = 16

// Iterate runs an iterator over the next objects.
func (s *session) Iterate(prog int) (more bool, err error) {
	p := s.progs[prog]
	if p.iter == 0 {
		return false, nil
	}
	var buf [iterBatch]byte
	n, err := sys.Read(p.iter, buf[:])
	if errors.Is(err, sys.EAGAIN) {
		return true, nil // so many objects that the kernel wants to be asked again
	}
	if err != nil {
		return false, fmt.Errorf("run iterator %s: %w", p.obj.Points[0].Text, err)
	}
	return n > 0, nil
}
