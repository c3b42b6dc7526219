package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Pin is a path of a BPF file system and what is pinned there.
type Pin struct {
	Path string
	Kind Kind
	ID   uint32
	Err  error // it can't be read; Kind and ID aren't known
}

// Pins are the pinned objects of all BPF file systems that are mounted, by path.
func (r *Reader) Pins() ([]Pin, error) {
	data, err := fs.ReadFile(r.root, "proc/mounts")
	if err != nil {
		return nil, fmt.Errorf("list BPF file systems: %w", err)
	}
	var pins []Pin
	seen := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[2] != "bpf" || seen[f[1]] {
			continue
		}
		dir := unescapeMount(f[1])
		seen[f[1]] = true
		pins = r.walkPins(dir, pins)
	}
	return pins, nil
}

// unescapeMount undoes the octal escapes of /proc/mounts.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func (r *Reader) walkPins(dir string, pins []Pin) []Pin {
	fs.WalkDir(r.root, strings.TrimPrefix(path.Clean(dir), "/"), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			pins = append(pins, Pin{Path: "/" + p, Err: err})
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if d.Type().IsRegular() {
			if pin := r.readPin("/" + p); !errors.Is(pin.Err, sys.ENOENT) { // it went meanwhile
				pins = append(pins, pin)
			}
		}
		return nil
	})
	return pins
}

func (r *Reader) readPin(p string) Pin {
	pin := Pin{Path: p}
	fd, err := sys.ObjGet(p)
	if err != nil {
		pin.Err = fmt.Errorf("open pinned object %s: %w", p, err)
		return pin
	}
	defer sys.Close(fd)
	if pin.Kind, pin.Err = r.kindOfFD(fd); pin.Err == nil {
		pin.ID, pin.Err = idOfFD(pin.Kind, fd)
	}
	return pin
}

// idOfFD is an open object's id.
func idOfFD(k Kind, fd int) (uint32, error) {
	switch k {
	case KindProg:
		info, err := sys.ProgInfoByFD(fd)
		return info.ID, err
	case KindMap:
		info, err := sys.MapInfoByFD(fd)
		return info.ID, err
	case KindBTF:
		info, err := sys.BTFInfoByFD(fd)
		return info.ID, err
	}
	var info sys.LinkInfo
	err := sys.LinkInfoByFD(fd, &info)
	return info.ID, err
}

// ErrNotBPFFS: nothing can be pinned there.
var ErrNotBPFFS = errors.New("the path isn't in a BPF file system; `mount -t bpf bpf /sys/fs/bpf` makes one")

// OutsideBPFFS is ErrNotBPFFS for a folder of another file system, else nil.
func OutsideBPFFS(dir string) error {
	if t, err := sys.FSType(dir); err == nil && t != sys.BPFFSMagic {
		return ErrNotBPFFS
	}
	return nil
}

// PinAt pins an object at a path of a BPF file system, where it outlives its holders.
func PinAt(o *Object, path string) error {
	if err := sys.Pin(o.FD, path); err != nil {
		if outside := OutsideBPFFS(dirOf(path)); outside != nil {
			return fmt.Errorf("pin %s at %s: %w: %w", kindNames[o.Kind][0], path, err, outside)
		}
		return fmt.Errorf("pin %s at %s: %w", kindNames[o.Kind][0], path, err)
	}
	return nil
}

func dirOf(p string) string { return path.Dir(path.Clean(p)) }

// DetachLink takes a link's program off its hook; the link itself stays.
func DetachLink(o *Object) error {
	if err := sys.LinkDetach(o.FD); err != nil {
		if errors.Is(err, sys.EOPNOTSUPP) {
			return fmt.Errorf("detach link: %w: the kernel detaches links of this type only by closing them", err)
		}
		return fmt.Errorf("detach link: %w", err)
	}
	return nil
}
