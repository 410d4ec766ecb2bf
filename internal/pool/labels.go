// SPDX-License-Identifier: MPL-2.0

package pool

// Labels that containers and networks of portals carry, beside Docker
// Compose's own.
const (
	// LabelPortal names the portal.
	LabelPortal = "io.privateportals.portal"
	// LabelService names the service or task of the portal.
	LabelService = "io.privateportals.service"
	// LabelNumber is the replica's number, from 1.
	LabelNumber = "io.privateportals.number"
	// LabelDigest identifies the configuration the container was made from.
	LabelDigest = "io.privateportals.digest"
	// LabelTask says when a task runs; services do not have it.
	LabelTask = "io.privateportals.task"
	// LabelIntended holds what may be changed on a container after it was
	// made, as it was made, in JSON.
	LabelIntended = "io.privateportals.intended"
	// LabelMemory is the memory that the container reserves, in bytes: 0 of a task.
	LabelMemory = "io.privateportals.memory"
	// LabelStorage is the id of the shared drive the container was made with.
	LabelStorage = "io.privateportals.storage"
	// LabelDirectory is the portal's directory on the shared drive.
	LabelDirectory = "com.docker.compose.project.working_dir"
	// LabelDependsOn lists what a service was ordered after, in Compose's form
	// "mysql:service_healthy:false,redis:service_started:false".
	LabelDependsOn = "com.docker.compose.depends_on"
	// LabelOwner tells which part of the portal's stack a container belongs to;
	// those of the portal's blueprint do not have it.
	LabelOwner = "io.privateportals.owner"
	// LabelSchedule is when the scheduler starts a task, in JSON.
	LabelSchedule = "io.privateportals.schedule"
	// LabelRestartOn lists, with commas, what restarts the service.
	LabelRestartOn = "io.privateportals.restart-on"
	// LabelRole marks containers that belong to no portal: "agent", RoleGateway.
	LabelRole = "io.privateportals.role"
)

// RoleGateway is the role of a gateway's containers. Their LabelPortal is the
// gateway's name.
const RoleGateway = "gateway"

// keptLabels are the labels that stay in memory from a list of containers: those
// by which containers are chosen. All of them are there when one is inspected.
var keptLabels = []string{
	LabelPortal, LabelMemory, LabelStorage, LabelDirectory, LabelSchedule, LabelRole,
}
