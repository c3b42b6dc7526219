package run

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/cgroup"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// cgroupKeeper keeps the memory in which programs look for cgroups as the machine is: a
// cgroup that's removed and made again, as that of a service which is restarted, is
// another one to the kernel.
type cgroupKeeper struct {
	o     *object.Object
	s     engine.Session
	ids   []uint64         // of Object.Cgroups, as written last
	watch *sys.CgroupWatch // nil: none, the paths are looked at again and again
	quit  chan struct{}
	done  chan struct{}
	full  bool  // a set had no room
	err   error // the first trouble, once it has stopped
}

// keepCgroups fills in what the object's programs look for, and keeps it until stop; nil
// when it has nothing of the kind.
func keepCgroups(o *object.Object, s engine.Session) (*cgroupKeeper, error) {
	if len(o.Cgroups) == 0 && len(o.CgroupSets) == 0 {
		return nil, nil
	}
	watch, err := cgroup.Watch(os.DirFS("/"))
	if err != nil {
		watch = nil // as where neither tracefs nor CONFIG_CGROUP_PERF is there
	}
	return beginKeeping(o, s, watch)
}

// beginKeeping is keepCgroups with a watch, which ends with it, or nil.
func beginKeeping(o *object.Object, s engine.Session, watch *sys.CgroupWatch) (*cgroupKeeper, error) {
	k := &cgroupKeeper{o: o, s: s, ids: make([]uint64, len(o.Cgroups)), watch: watch, quit: make(chan struct{}), done: make(chan struct{})}
	root := os.DirFS("/")
	if err := k.fill(root); err != nil {
		if watch != nil {
			err = errors.Join(err, watch.Close())
		}
		return nil, err
	}
	go k.keep(root)
	return k, nil
}

// fill writes all that there is now.
func (k *cgroupKeeper) fill(root fs.FS) error {
	if err := k.slots(); err != nil || len(k.o.CgroupSets) == 0 {
		return err
	}
	mount, err := cgroup.Mount(root)
	if err != nil {
		return err
	}
	cgroup.Walk(root, mount, func(d cgroup.Dir) bool {
		err = k.add(d.ID, d.Path)
		return err == nil
	})
	return err
}

// slots writes the cgroups that are at their paths now, as far as they are others than before. A
// path without one keeps the last: its id never comes back.
func (k *cgroupKeeper) slots() error {
	for i := range k.o.Cgroups {
		c := &k.o.Cgroups[i]
		id, err := sys.CgroupID(c.Path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && id == k.ids[i] {
			continue
		}
		if err == nil {
			err = k.write(c, id)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look for cgroup %s: %w", c.Path, err)
		}
		k.ids[i] = id
	}
	return nil
}

func (k *cgroupKeeper) write(c *object.CgroupSlot, id uint64) error {
	m := k.s.Map(c.Map)
	if !c.Under {
		w, ok := m.(engine.RangeWriter)
		if !ok {
			return errors.New("the map can't be written in place")
		}
		return w.WriteAt(make([]byte, 4), c.At, binary.NativeEndian.AppendUint64(nil, id))
	}
	dir, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer dir.Close() // the map holds the cgroup
	return m.Update(binary.NativeEndian.AppendUint32(nil, c.At), binary.NativeEndian.AppendUint32(nil, uint32(dir.Fd())))
}

// add adds a cgroup to the sets that it belongs to. One that's gone stays there: its id never
// comes back.
func (k *cgroupKeeper) add(id uint64, path string) error {
	for _, set := range k.o.CgroupSets {
		owner := cgroup.ContainerOf
		if set.Form.IsPod() {
			owner = cgroup.PodOf
		}
		if _, ok := owner(path); !ok || k.full {
			continue
		}
		if err := k.s.Map(set.Map).Update(binary.NativeEndian.AppendUint64(nil, id), []byte{1}); err != nil {
			k.full = true
			return fmt.Errorf("note cgroup %s: %w", path, err)
		}
	}
	return nil
}

// keep follows what is made until stop.
func (k *cgroupKeeper) keep(root fs.FS) {
	defer close(k.done)
	for k.err == nil {
		select {
		case <-k.quit:
			return
		default:
		}
		if k.watch == nil {
			select {
			case <-k.quit:
				return
			case <-time.After(tick):
			}
			k.err = k.fill(root)
			continue
		}
		if _, err := k.watch.Wait(time.Time{}); err != nil {
			k.err = err
			return
		}
		if lost := k.watch.Each(func(id uint64, path string) { k.err = errors.Join(k.err, k.add(id, path)) }); lost > 0 {
			k.err = errors.Join(k.err, k.fill(root))
		}
		k.err = errors.Join(k.err, k.slots())
	}
}

// stop ends the keeping and returns its trouble.
func (k *cgroupKeeper) stop() error {
	close(k.quit)
	if k.watch != nil {
		k.watch.Wake()
	}
	<-k.done
	if k.watch != nil {
		return errors.Join(k.err, k.watch.Close())
	}
	return k.err
}
