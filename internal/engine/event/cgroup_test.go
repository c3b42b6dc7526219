package event

import (
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// Cgroups of one container are keys of their own in the kernel, and one where they're printed.
func TestCgroupsOfOneContainer(t *testing.T) {
	container := &object.Type{Kind: object.CgroupPath, Size: 8, Cgroup: object.CgroupContainer}
	own := &object.Type{Kind: object.CgroupPath, Size: 8, Cgroup: object.CgroupOwn}
	pair := &object.Type{Kind: object.Tuple, Size: 16, Fields: []object.Field{{Type: i64}, {Offset: 8, Type: container}}}
	logs := perCPU(hash(container, logHist(0)))
	logs.Buckets, logs.BucketOff = true, 8
	series := perCPU(hash(container, &object.Type{Kind: object.TSeries, Size: 24, Series: object.SeriesSpec{Interval: 1, Len: 5, Agg: "avg"}}))
	series.Buckets, series.BucketOff = true, 8
	tests := []struct {
		name string
		v    *object.Var
		m    *memory
		want string
	}{
		{"counts", perCPU(hash(container, agg(object.Count, 8, false))),
			newMemory(raw(21), raw(1, 2), raw(25), raw(4, 0), raw(31), raw(5, 0)), `"2:3" 5` + "\n" + `"2:2" 7`},
		{"averages", perCPU(hash(container, agg(object.Avg, 16, false))),
			newMemory(raw(21), raw(10, 1, 20, 1), raw(25), raw(30, 2, 0, 0)), `"2:2" 15`},
		{"the smallest", perCPU(hash(container, agg(object.Min, 16, false))),
			newMemory(raw(21), raw(10, 1, 0, 0), raw(25), raw(7, 1, 0, 0)), `"2:2" 7`},
		{"tuples", perCPU(hash(pair, agg(object.Count, 8, false))),
			newMemory(raw(1, 21), raw(1, 0), raw(1, 22), raw(1, 0), raw(2, 22), raw(1, 0)), `(2 "2:2") 1` + "\n" + `(1 "2:2") 2`},
		{"paths stay", perCPU(hash(own, agg(object.Count, 8, false))),
			newMemory(raw(21), raw(1, 0), raw(25), raw(2, 0)), `"1:2" 1` + "\n" + `"1:2" 2`},
		{"numbers stay", hash(container, i64),
			newMemory(raw(21), raw(1), raw(25), raw(2)), `"2:2" 1` + "\n" + `"2:2" 2`},
		{"histograms", logs,
			newMemory(raw(21, 3), raw(1, 0), raw(25, 3), raw(0, 4)), `"2:2" 2..4=4:5`},
		{"series", series,
			newMemory(raw(21, 9), raw(10, 1, 9), raw(25, 9), raw(50, 2, 9)), `"2:2" 20`},
	}
	for _, test := range tests {
		d := &Decoder{Object: &object.Object{}, Maps: maps{test.m}, Names: names{}}
		s, err := d.Snapshot(test.v, Select{})
		if err != nil {
			t.Fatal(test.name, err)
		}
		got := ""
		for i, e := range s.Entries {
			if i > 0 {
				got += "\n"
			}
			got += show(e.Key) + " "
			switch e.Value.Kind {
			case TimeSeries:
				got += show(e.Value.Series.Intervals[0].Value)
			default:
				got += show(e.Value)
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
