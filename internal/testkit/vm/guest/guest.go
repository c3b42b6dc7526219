// Package guest is what the two sides of a virtual machine agree on.
package guest

// Setup tells the guest's init what to do.
type Setup struct {
	Args    []string
	Env     []string
	Dir     string
	Modules []string // files of drivers, to load in this order
	Disk    bool     // /dev/vda holds ext4, to be mounted at /scratch
}

// SetupFile is where the initramfs holds the Setup, in JSON.
const SetupFile = "/setup.json"
