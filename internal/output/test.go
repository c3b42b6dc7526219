package output

import "time"

// TestResult is how a test probe ended.
type TestResult struct {
	Names  []string // of all tests
	Passed []bool   // of those that have run: the last one is this test
	Time   time.Duration
	Output []byte // what it printed
}

// Index is this test's in Names.
func (t *TestResult) Index() int { return len(t.Passed) - 1 }

// BenchResult is what a bench probe took.
type BenchResult struct {
	Names []string // of all benchmarks
	Index int      // this one's
	Mean  time.Duration
	Runs  uint32 // that Mean is of
}

// Capture is a Sink that counts the errors on their way to another one.
type Capture struct {
	Sink
	Errors int
}

// Message counts errorf().
func (c *Capture) Message(sev Severity, text []byte, at []Place) {
	if sev == Error {
		c.Errors++
	}
	c.Sink.Message(sev, text, at)
}

// RuntimeError counts failed helpers.
func (c *Capture) RuntimeError(e *RuntimeError) {
	c.Errors++
	c.Sink.RuntimeError(e)
}
