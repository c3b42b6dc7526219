package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Flags of map creation (include/uapi/linux/bpf.h).
const (
	flagNoPrealloc = 1 << 0
	flagMmapable   = 1 << 10
	flagRdonlyProg = 1 << 7
)

// mapState is a script's @map and where it lives.
type mapState struct {
	*types.MapInfo
	v   *object.Var
	agg bool // its value is an aggregation
}

func isAgg(t *types.Type) bool { return t.Kind >= types.Count }

// declareMaps gives every @map of the script its storage.
func (g *gen) declareMaps() {
	g.mapByName = make(map[string]int, len(g.info.Maps))
	for i, m := range g.info.Maps {
		g.mapByName[m.Name] = i
		st := mapState{MapInfo: m, agg: m.Value != nil && isAgg(m.Value)}
		if m.Value == nil || m.Value.Kind == types.Invalid {
			g.maps = append(g.maps, st)
			continue
		}
		st.v = &object.Var{Name: m.Name, Key: g.runtimeType(m.Key), Value: g.runtimeType(m.Value), Pos: m.Decl.Start}
		if m.Key == nil && m.Value.Kind != types.TSeries {
			g.placeGlobal(st.v, m.Value)
		} else {
			g.placeHash(st.v, m)
		}
		g.maps = append(g.maps, st)
		g.obj.Vars = append(g.obj.Vars, st.v)
	}
	for _, v := range g.obj.Vars {
		if v.Storage == object.StoreGlobalPerCPU {
			v.Stride = g.percpuRow()
		}
	}
}

// placeGlobal puts a keyless map into global memory: aggregations a row per CPU.
func (g *gen) placeGlobal(v *object.Var, t *types.Type) {
	gl := &g.globals
	v.Storage = object.StoreGlobal
	if isAgg(t) {
		gl = &g.percpu
		v.Storage, v.PerCPU = object.StoreGlobalPerCPU, true
	}
	v.Map = g.globalMap(gl)
	v.Offset = gl.take(bytesOf(t), 8)
	v.Present, v.HasPresent = gl.take(1, 1), true
}

// globalMap is the index of a global map.
func (g *gen) globalMap(gl *global) int {
	if gl.mapIndex < 0 {
		name := "globals"
		if gl == &g.percpu {
			name = "percpu"
		}
		gl.mapIndex = g.addMap(&object.Map{Name: name, Kind: object.MapArray, KeySize: 4, MaxEntries: 1, Flags: flagMmapable})
	}
	return gl.mapIndex
}

// placeHash gives a keyed map its hash.
func (g *gen) placeHash(v *object.Var, m *types.MapInfo) {
	km := &object.Map{Name: "at_" + m.Name[1:], Kind: object.MapHash, KeySize: keySize(m), ValueSize: bytesOf(m.Value),
		MaxEntries: uint32(g.info.MaxMapKeys), Key: v.Key, Value: v.Value}
	if isAgg(m.Value) {
		km.Kind = object.MapPercpuHash
	}
	switch m.Kind {
	case "lruhash":
		km.Kind = object.MapLRUHash
	case "percpuhash":
		km.Kind = object.MapPercpuHash
	case "percpulruhash":
		km.Kind = object.MapLRUPercpuHash
	}
	if isAgg(m.Value) && km.Kind == object.MapLRUHash {
		km.Kind = object.MapLRUPercpuHash
	}
	if m.Max != 0 {
		km.MaxEntries = uint32(m.Max)
	}
	if m.Value.Buckets() {
		v.Buckets = true
		v.BucketOff = alignUp(km.KeySize, 8)
		km.KeySize = v.BucketOff + 8
		switch m.Value.Kind {
		case types.TSeries:
		case types.Summary:
			km.ValueSize = object.SummaryElement
		default:
			km.ValueSize = 8
		}
	}
	v.PerCPU = km.Kind == object.MapPercpuHash || km.Kind == object.MapLRUPercpuHash
	v.Map = g.addMap(km)
}

// keySize is the bytes of a map's key; a time series without one has its intervals alone.
func keySize(m *types.MapInfo) uint32 {
	if m.Key == nil {
		return 0
	}
	return bytesOf(m.Key)
}

func (g *gen) addMap(m *object.Map) int {
	g.obj.Maps = append(g.obj.Maps, m)
	return len(g.obj.Maps) - 1
}

// cpuSlots is the number of rows of per-CPU global memory: the possible CPUs, rounded up
// to a power of two so that a mask bounds the index.
func (g *gen) cpuSlots() uint32 {
	n := uint32(1)
	for n < uint32(g.info.Facts.NumCPU) {
		n <<= 1
	}
	return n
}

// finishMaps sets the sizes that are known only when all code is made.
func (g *gen) finishMaps() {
	if i := g.globals.mapIndex; i >= 0 {
		g.obj.Maps[i].ValueSize = alignUp(g.globals.size, 8)
	}
	if i := g.percpu.mapIndex; i >= 0 {
		g.obj.Maps[i].ValueSize = g.percpuRow() * g.cpuSlots()
	}
	if i := g.obj.CountersMap; i >= 0 {
		g.obj.Maps[i].ValueSize = g.sitesStart() + 8*uint32(len(g.obj.Errors))
	}
	if i := g.cgroups.array; i >= 0 {
		g.obj.Maps[i].MaxEntries = g.cgroups.under
	}
	g.rodata.finish(g)
	g.c.finish(g)
}

// percpuRow is the bytes between two CPUs' rows: a power of two of whole cache lines. It
// is final once the maps are declared.
func (g *gen) percpuRow() uint32 {
	n := uint32(64)
	for n < g.percpu.size {
		n <<= 1
	}
	return n
}

// ring is the index of the ring buffer.
func (g *gen) ring() int {
	if g.obj.RingMap < 0 {
		g.obj.RingMap = g.addMap(&object.Map{Name: "events", Kind: object.MapRingbuf})
		g.counters()
	}
	return g.obj.RingMap
}

// packets is the index of the map of perf buffers, a buffer for each CPU.
func (g *gen) packets() int {
	if i := slices.IndexFunc(g.obj.Maps, func(m *object.Map) bool { return m.Kind == object.MapPerfEventArray }); i >= 0 {
		return i
	}
	g.counters()
	return g.addMap(&object.Map{Name: "packets", Kind: object.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: g.cpuSlots()})
}

// counters is the index of the map of loss counters; finishMaps sets its size.
func (g *gen) counters() int {
	if g.obj.CountersMap < 0 {
		g.obj.CountersMap = g.addMap(&object.Map{Name: "counters", Kind: object.MapArray, KeySize: 4, MaxEntries: 1, Flags: flagMmapable})
	}
	return g.obj.CountersMap
}

// sitesStart is where the counts of error sites begin in the counters' element.
func (g *gen) sitesStart() uint32 { return g.cpuSlots() * object.CountersRow }

// rodata is read-only memory for constants too large to be immediates.
type rodata struct {
	mapIndex int
	data     []byte
	strings  map[string]uint32
}

// place puts b into read-only memory, aligned to 8, and gives its offset.
func (r *rodata) place(g *gen, b []byte) (mapIndex int, off int64) {
	if r.mapIndex < 0 {
		r.mapIndex = g.addMap(&object.Map{Name: "rodata", Kind: object.MapArray, KeySize: 4, MaxEntries: 1, Flags: flagRdonlyProg, ReadOnly: true})
	}
	if o, ok := r.strings[string(b)]; ok {
		return r.mapIndex, int64(o)
	}
	for len(r.data)%8 != 0 {
		r.data = append(r.data, 0)
	}
	o := uint32(len(r.data))
	r.data = append(r.data, b...)
	r.strings[string(b)] = o
	return r.mapIndex, int64(o)
}

func (r *rodata) finish(g *gen) {
	if r.mapIndex < 0 {
		return
	}
	for len(r.data)%8 != 0 {
		r.data = append(r.data, 0)
	}
	m := g.obj.Maps[r.mapIndex]
	m.Data, m.ValueSize = r.data, uint32(len(r.data))
}
