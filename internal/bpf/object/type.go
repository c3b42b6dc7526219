package object

// Kind is what bytes mean to the one who prints them.
type Kind uint8

// The kinds. Numbers are in the machine's byte order.
const (
	None       Kind = iota
	Int             // Size 1, 2, 4, 8; Signed
	Bool            // 1 byte
	Enum            // as Int, with Names
	String          // Size bytes, ends at the first NUL; an array of chars may have none
	Buf             // u32 length, then Size bytes of which length count
	Pointer         // u64, printed in hex
	Struct          // Fields, Name
	Array           // Len × Elem
	Tuple           // Fields without names
	Record          // Fields
	Ksym            // u64 kernel address
	Usym            // u64 address, u32 tgid, u32 0
	Kstack          // u64 stack reference (see StackSlow)
	Ustack          // u64 stack reference, u32 tgid, u32 0
	Inet            // u32 family (2 or 10), then 16 bytes of address
	Mac             // 6 bytes
	Timestamp       // u64 ns of clock Clock; Format is the strftime format
	CgroupPath      // u64 cgroup id, printed as Cgroup says
	Username        // u64 user id
	// Aggregations: a map's value only.
	Count // u64
	Sum   // u64 or i64 by Signed
	Avg   // u64 sum (i64 by Signed), u64 count
	Min   // u64 value (i64 by Signed), u64 set
	Max   // as Min
	Stats // as Avg
	Hist  // buckets u64 each, see HistSpec
	Lhist
	Bhist   // as Hist, see Type.Bounds
	Summary // SummaryMoments bytes, then buckets u64 each; see SummarySpec
	TSeries // i64 or u64 value by Signed, u64 time of it or count, u64 number of the interval; see SeriesSpec
)

// Type tells how to read and print a value's bytes.
type Type struct {
	Kind   Kind
	Size   uint32 // bytes
	Signed bool
	Name   string            // struct's or enum's name
	Elem   *Type             // array
	Len    uint32            // array
	Fields []Field           // struct, tuple, record
	Names  map[uint64]string // enum
	Bits   []BitName         // enum of flags: the names of those that are set, joined by "-"
	Point  DecimalPoint      // enum without names: a number that prints with a decimal point
	Format string            // timestamp's, cgroup path's filter
	Cgroup CgroupForm        // cgroup path
	Clock  Clock             // timestamp
	Stack  StackSpec
	Hist   HistSpec
	Bounds []int64 // bhist: ascending; bucket i is of the numbers from Bounds[i-1] on and below Bounds[i]
	Series SeriesSpec
	Digest SummarySpec // summary
	// Places are the decimals that an average is printed with; 0: it's an integer.
	Places uint8
}

// BitName names some bits of a set of flags: when flags & Mask == Bits.
type BitName struct {
	Mask, Bits uint64
	Name       string
}

// DecimalPoint tells that a number counts units of 10^-Digits and prints with that many
// Places, rounded: 1234567 with 6 and 2 is 1.23. Digits 0: it has none.
type DecimalPoint struct {
	Digits, Places uint8
	// Elapsed: the number is the nanoseconds since Object.Start.
	Elapsed bool
}

// CgroupForm is what is printed of a cgroup id.
type CgroupForm uint8

// The forms. What a cgroup isn't in is printed as "".
const (
	CgroupPaths         CgroupForm = iota // cgroup_path(id): the paths in the hierarchies that Format selects
	CgroupOwn                             // the path in cgroup2
	CgroupContainer                       // the container's id: 12 digits, or its name when it has none
	CgroupContainerID                     // the same, whole
	CgroupContainerName                   // the container's name, or the 12 digits
	CgroupPod                             // the pod's NAMESPACE/NAME, or its uid
	CgroupPodUID                          // the pod's uid
)

// IsPod tells the forms of pods.
func (f CgroupForm) IsPod() bool { return f == CgroupPod || f == CgroupPodUID }

// IsContainer tells the forms of containers.
func (f CgroupForm) IsContainer() bool { return f >= CgroupContainer && f <= CgroupContainerName }

// Clock is a timestamp's clock.
type Clock uint8

// The clocks (nsecs modes of the language).
const (
	ClockBoot Clock = iota
	ClockMonotonic
	ClockTAI   // CLOCK_TAI by helper
	ClockSwTAI // boot time plus an offset measured at start
)

// StackSpec describes a stack value.
type StackSpec struct {
	Limit uint16 // frames
	Mode  StackMode
	// Unwound: a user stack by the object's Unwind tables; of other processes, by frame pointers.
	Unwound bool
	// Map is the BPF_MAP_TYPE_STACK_TRACE map's index in the object; Slow the hash
	// map's that takes stacks which collide there (key u64, value u64 count and
	// Limit × u64 addresses), or -1.
	Map, Slow int
}

// StackSlow marks a stack reference that is the key of the Slow map.
// Without it the low 32 bits are an id of Map. StackNone is "no stack".
const (
	StackSlow uint64 = 1 << 63
	StackNone uint64 = 1<<63 - 1
)

// HistSpec describes a histogram's buckets.
//
// hist: log2 buckets with Bits sub-bucket bits as bpftrace numbers them; bucket i of
// Bits 0 is: 0 (..., 0); 1 [0]; 2 [1]; i [2^(i-2), 2^(i-1)).
// lhist: 0 (..., Min); 1… [Min + (i-1)·Step, …); last [Max, ...).
type HistSpec struct {
	Bits           uint8
	Min, Max, Step int64
	Len            uint32 // buckets
}

// A summary's value begins with the moments of all numbers x, of which u is x, or with Signed
// x ^ 1<<63, so that they're in unsigned order. All begin as zero:
//
//	u128 sum of x, low half first; with Signed the low half has a sign, and the high one counts 2^64
//	u192 sum of x², lowest word first
//	u64 the greatest u
//	u64 the greatest ^u
//
// Without keys buckets follow. With keys each bucket is an element of its own, with moments
// and a u64 count.
const (
	SummarySum     = 0
	SummarySquares = 16
	SummaryMax     = 40
	SummaryMin     = 48
	SummaryMoments = 56 // the first bucket, or the count
	SummaryElement = 64 // an element's bytes
)

// SummarySpec describes a summary's buckets: log-linear, each power of two in 1<<Bits of them.
// Bucket i is of the numbers whose leading Bits+1 bits are the mantissa of i: with
// s = max(0, i>>Bits - 1), of those from (i - s<<Bits) << s on, 1<<s of them. With Signed the
// same again for negative ones.
type SummarySpec struct{ Bits uint8 }

// Len is how many buckets the numbers of one sign have.
func (s SummarySpec) Len() uint32 { return (65 - uint32(s.Bits)) << s.Bits }

// SeriesSpec describes a time series: the last Len intervals of Interval ns of the clock
// SwTAI, and how the values of one are merged: "avg", "max", "min", "sum", or "" for the
// last of them.
type SeriesSpec struct {
	Interval, Len uint64
	Agg           string
}

// Bytes is the space that a value takes in a record, key or value.
func (t *Type) Bytes() uint32 {
	if t.Kind == Buf {
		return 4 + t.Size
	}
	return t.Size
}
