package inspect

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Map describes a map.
type Map struct {
	ID           uint32
	Type         uint32 // MapTypes
	Name         string
	Flags        uint32
	KeySize      uint32
	ValueSize    uint32
	MaxEntries   uint32
	Extra        uint64
	Ifindex      uint32
	NetnsDev     uint64
	NetnsIno     uint64
	BTF          uint32 // id of the BTF of key and value; 0: none
	BTFKey       uint32 // type ids in it
	BTFValue     uint32
	VmlinuxValue uint32 // type id in vmlinux's BTF: of struct_ops
	VmlinuxBTF   uint32 // id of that BTF object
	Memlock      int64  // bytes; -1: not told
	Frozen       bool
	OwnerType    int // of a prog_array: ProgTypes; -1: not told
	OwnerJited   int // of a prog_array: 0, 1; -1: not told
	Missing      []error
}

// TypeName is the map type's name.
func (m *Map) TypeName() string { s, _ := TypeName(MapTypes, m.Type); return s }

// PerCPU reports whether elements have a value for each CPU.
func (m *Map) PerCPU() bool {
	switch m.Type {
	case mapPercpuHash, mapPercpuArray, mapLRUPercpuHash, mapPercpuCgroup:
		return true
	}
	return false
}

// OfMaps reports whether values are maps.
func (m *Map) OfMaps() bool { return m.Type == mapArrayOfMaps || m.Type == mapHashOfMaps }

// OfReuseport reports whether values are sockets that share a port: they can be read as cookies
// of 8 bytes alone.
func (m *Map) OfReuseport() bool { return m.Type == mapReuseportSockArray }

// OfPerfEvents reports whether values are perf events.
func (m *Map) OfPerfEvents() bool { return m.Type == mapPerfEvents }

// OfProgs reports whether values are programs.
func (m *Map) OfProgs() bool { return m.Type == mapProgArray }

// Maps yields all maps by id.
func (r *Reader) Maps() iter.Seq2[*Map, error] { return each(r, KindMap, r.MapByFD) }

// Map describes the map with an id. The error wraps ErrGone when there's none.
func (r *Reader) Map(id uint32) (*Map, error) { return byID(KindMap, id, r.MapByFD) }

// MapByFD describes the map that a descriptor is of.
func (r *Reader) MapByFD(fd int) (*Map, error) {
	info, err := sys.MapInfoByFD(fd)
	if err != nil {
		return nil, fmt.Errorf("read map: %w", err)
	}
	m := &Map{
		ID: info.ID, Type: info.Type, Name: cString(info.Name[:]), Flags: info.Flags, KeySize: info.KeySize,
		ValueSize: info.ValueSize, MaxEntries: info.MaxEntries, Extra: info.Extra, Ifindex: info.Ifindex,
		NetnsDev: info.NetnsDev, NetnsIno: info.NetnsIno, BTF: info.BTFID, BTFKey: info.BTFKey,
		BTFValue: info.BTFValue, VmlinuxValue: info.VmlinuxValue, VmlinuxBTF: info.BTFVmlinuxID, Memlock: -1, OwnerType: -1, OwnerJited: -1,
	}
	lines, err := r.fdinfo(fd)
	if err != nil {
		m.Missing = append(m.Missing, fmt.Errorf("read memory of map %d: %w", m.ID, err))
		return m, nil
	}
	number := func(key string, none int64) int64 {
		if n, err := strconv.ParseInt(lines.field(key), 0, 64); err == nil {
			return n
		}
		return none
	}
	m.Memlock, m.Frozen = number("memlock", -1), number("frozen", 0) != 0
	m.OwnerType, m.OwnerJited = int(number("owner_prog_type", -1)), int(number("owner_jited", -1))
	return m, nil
}
