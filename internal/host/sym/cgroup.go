package sym

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/host/cgroup"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/probe"
)

// cgroups finds the paths of cgroups by id.
type cgroups struct {
	roots []cgroupRoot // nil: not read yet
	paths map[cgroupKey]string
	known map[uint64]string // paths in cgroup2 by id; nil: not read yet
	mount string            // of cgroup2
	read  time.Time         // when the tree was last read
	watch *sys.CgroupWatch  // nil: nobody asked for it
	lost  uint64
	names cgroup.Names
	owner map[ownerKey]ownerText
}

type ownerKey struct {
	id   uint64
	form object.CgroupForm
}

// ownerText is what a form has of a cgroup. One that has no name yet is asked for again.
type ownerText struct {
	text  string
	until time.Time // zero: for good
}

// cgroupRoot is a mounted hierarchy. Its name is "unified" for cgroup2, else its
// directory's.
type cgroupRoot struct {
	name, dir string
	v2        bool
}

type cgroupKey struct {
	root string
	id   uint64
}

// CgroupPath lists the id's paths as "name:path", separated by commas, of the hierarchies
// whose names match filter (* stands for anything): cgroup2 first, the others by name.
// A hierarchy without the id is left out. The id is the directory's inode number.
func (s *Symbolizer) CgroupPath(id uint64, filter string) string {
	if s.groups.roots == nil {
		s.groups.roots, s.groups.paths = s.cgroupRoots(), map[cgroupKey]string{}
	}
	var parts []string
	for _, r := range s.groups.roots {
		if !probe.Match(filter, r.name) {
			continue
		}
		if p := s.cgroupPath(r, id); p != "" {
			parts = append(parts, r.name+":"+p)
		}
	}
	return strings.Join(parts, ",")
}

// cgroupRoots are the hierarchies of /proc/mounts.
func (s *Symbolizer) cgroupRoots() []cgroupRoot {
	roots := []cgroupRoot{}
	data, err := fs.ReadFile(s.cfg.Root, "proc/mounts")
	if err != nil {
		return roots
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		switch f[2] {
		case "cgroup":
			roots = append(roots, cgroupRoot{name: path.Base(f[1]), dir: f[1]})
		case "cgroup2":
			roots = append(roots, cgroupRoot{name: "unified", dir: f[1], v2: true})
		}
	}
	slices.SortStableFunc(roots, func(a, b cgroupRoot) int {
		switch {
		case a.v2 != b.v2 && a.v2:
			return -1
		case a.v2 != b.v2:
			return 1
		case a.v2:
			return 0
		}
		return strings.Compare(a.name, b.name)
	})
	return roots
}

// cgroupPath walks a hierarchy for the directory with that inode number. What it finds
// is kept: cgroups are asked for again and again, and may be gone by then.
func (s *Symbolizer) cgroupPath(r cgroupRoot, id uint64) string {
	key := cgroupKey{r.dir, id}
	if p, ok := s.groups.paths[key]; ok {
		return p
	}
	found := ""
	if r.v2 && s.groups.known != nil && r.dir == s.groups.mount {
		found, _ = s.ownPath(id)
		return found
	}
	fs.WalkDir(s.cfg.Root, strings.Trim(r.dir, "/"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil
		}
		info, err := d.Info()
		if err != nil || sys.Inode(info) != id {
			return nil
		}
		if found = strings.TrimPrefix("/"+p, r.dir); found == "" {
			found = "/"
		}
		return fs.SkipAll
	})
	if found != "" {
		s.groups.paths[key] = found
	}
	return found
}

// rereadAfter is how old the tree has to be before an unknown id has it read again.
const rereadAfter = 100 * time.Millisecond

// FollowCgroups has the cgroups of now read, and records those that are made from now on, so
// that they can be named however short they live. Collect takes the records in.
func (s *Symbolizer) FollowCgroups() error {
	var err error
	if s.groups.watch == nil {
		s.groups.watch, err = cgroup.Watch(s.cfg.Root)
	}
	s.readTree()
	return err
}

// readTree reads the paths of cgroup2. Those that are gone stay known.
func (s *Symbolizer) readTree() {
	g := &s.groups
	if g.known == nil {
		g.known, g.names.Root = map[uint64]string{}, s.cfg.Root
		g.mount, _ = cgroup.Mount(s.cfg.Root)
	}
	g.read = time.Now()
	if g.mount != "" {
		cgroup.Walk(s.cfg.Root, g.mount, func(d cgroup.Dir) bool {
			g.known[d.ID] = d.Path
			return true
		})
	}
}

// takeCgroups takes in which cgroups were made.
func (s *Symbolizer) takeCgroups() {
	g := &s.groups
	if g.watch == nil {
		return
	}
	g.lost += g.watch.Each(func(id uint64, path string) { g.known[id] = path })
}

// ownPath is the path in cgroup2 of a cgroup; false: it isn't known.
func (s *Symbolizer) ownPath(id uint64) (string, bool) {
	g := &s.groups
	if p, ok := g.known[id]; ok {
		return p, true
	}
	s.takeCgroups()
	if _, ok := g.known[id]; !ok && time.Since(g.read) > rereadAfter {
		s.readTree()
	}
	p, ok := g.known[id]
	return p, ok
}

// namelessFor is how long a container or pod without a name isn't asked for it again: the
// files that tell come a little later than its first process.
const namelessFor = time.Second

// Cgroup is what a form has of a cgroup: its path, or the container or pod that it's in, ""
// when it's in none. One that nothing is known of is "cgroup:ID".
func (s *Symbolizer) Cgroup(id uint64, form object.CgroupForm) string {
	key := ownerKey{id, form}
	if o, ok := s.groups.owner[key]; ok && (o.until.IsZero() || time.Now().Before(o.until)) {
		return o.text
	}
	path, ok := s.ownPath(id)
	if !ok {
		return fmt.Sprintf("cgroup:%d", id)
	}
	o := s.ownerOf(path, form)
	if s.groups.owner == nil || len(s.groups.owner) >= maxNames {
		s.groups.owner = map[ownerKey]ownerText{}
	}
	s.groups.owner[key] = o
	return o.text
}

// ownerOf is what a form has of a path.
func (s *Symbolizer) ownerOf(path string, form object.CgroupForm) ownerText {
	if form == object.CgroupOwn {
		return ownerText{text: path}
	}
	owner := cgroup.ContainerOf
	if form.IsPod() {
		owner = cgroup.PodOf
	}
	o, ok := owner(path)
	name := ""
	switch {
	case !ok:
		return ownerText{}
	case form == object.CgroupContainerID:
		return ownerText{text: o.ID}
	case form == object.CgroupContainerName:
		name = s.groups.names.Container(o.ID)
	case form == object.CgroupPod:
		name = s.groups.names.Pod(o.ID)
	default:
		name = cgroup.Short(o.ID)
	}
	if name == "" {
		return ownerText{cgroup.Short(o.ID), time.Now().Add(namelessFor)}
	}
	return ownerText{text: name}
}
