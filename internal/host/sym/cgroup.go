package sym

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/probe"
)

// cgroups finds the paths of cgroups by id.
type cgroups struct {
	roots []cgroupRoot // nil: not read yet
	paths map[cgroupKey]string
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
		s.groups = cgroups{roots: s.cgroupRoots(), paths: map[cgroupKey]string{}}
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
