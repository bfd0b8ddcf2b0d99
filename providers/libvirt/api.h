#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/// libvirt's C library, opened on first use: a program that never talks to libvirt does not load it.
namespace envtool::libvirt {

/// Every function of the library that this provider calls.
#define ENVTOOL_LIBVIRT_FUNCTIONS(X) \
  X(virConnectClose)                 \
  X(virConnectGetCapabilities)       \
  X(virConnectGetDomainCapabilities) \
  X(virConnectGetType)               \
  X(virConnectIsAlive)               \
  X(virConnectListAllDomains)        \
  X(virConnectListAllNetworks)       \
  X(virConnectOpenAuth)              \
  X(virConnectSetKeepAlive)          \
  X(virDomainBlockCopy)              \
  X(virDomainBlockJobAbort)          \
  X(virDomainBlockStats)             \
  X(virDomainCreateWithFlags)        \
  X(virDomainDefineXMLFlags)         \
  X(virDomainDestroyFlags)           \
  X(virDomainFSFreeze)               \
  X(virDomainFSThaw)                 \
  X(virDomainFree)                   \
  X(virDomainGetBlockJobInfo)        \
  X(virDomainGetID)                  \
  X(virDomainGetInfo)                \
  X(virDomainGetMaxMemory)           \
  X(virDomainGetMetadata)            \
  X(virDomainGetName)                \
  X(virDomainGetState)               \
  X(virDomainGetVcpuPinInfo)         \
  X(virDomainGetVcpusFlags)          \
  X(virDomainGetXMLDesc)             \
  X(virDomainHasManagedSaveImage)    \
  X(virDomainInterfaceAddresses)     \
  X(virDomainInterfaceFree)          \
  X(virDomainInterfaceStats)         \
  X(virDomainListAllSnapshots)       \
  X(virDomainLookupByName)           \
  X(virDomainManagedSave)            \
  X(virDomainManagedSaveRemove)      \
  X(virDomainMemoryStats)            \
  X(virDomainOpenConsole)            \
  X(virDomainPinVcpu)                \
  X(virDomainRestoreFlags)           \
  X(virDomainResume)                 \
  X(virDomainRevertToSnapshot)       \
  X(virDomainSaveFlags)              \
  X(virDomainSetMemoryFlags)         \
  X(virDomainSetTime)                \
  X(virDomainSetVcpusFlags)          \
  X(virDomainShutdownFlags)          \
  X(virDomainSnapshotCreateXML)      \
  X(virDomainSnapshotDelete)         \
  X(virDomainSnapshotFree)           \
  X(virDomainSnapshotGetXMLDesc)     \
  X(virDomainSnapshotLookupByName)   \
  X(virDomainSuspend)                \
  X(virDomainUndefineFlags)          \
  X(virEventAddHandle)               \
  X(virEventAddTimeout)              \
  X(virEventRegisterDefaultImpl)     \
  X(virEventRemoveHandle)            \
  X(virEventRemoveTimeout)           \
  X(virEventRunDefaultImpl)          \
  X(virEventUpdateTimeout)           \
  X(virGetLastError)                 \
  X(virInitialize)                   \
  X(virNetworkCreate)                \
  X(virNetworkDefineXML)             \
  X(virNetworkDestroy)               \
  X(virNetworkFree)                  \
  X(virNetworkGetBridgeName)         \
  X(virNetworkGetName)               \
  X(virNetworkGetXMLDesc)            \
  X(virNetworkIsActive)              \
  X(virNetworkLookupByName)          \
  X(virNetworkSetAutostart)          \
  X(virNetworkUndefine)              \
  X(virNetworkUpdate)                \
  X(virNodeGetInfo)                  \
  X(virSetErrorFunc)                 \
  X(virStoragePoolBuild)             \
  X(virStoragePoolCreate)            \
  X(virStoragePoolDefineXML)         \
  X(virStoragePoolDestroy)           \
  X(virStoragePoolFree)              \
  X(virStoragePoolGetXMLDesc)        \
  X(virStoragePoolIsActive)          \
  X(virStoragePoolListAllVolumes)    \
  X(virStoragePoolLookupByName)      \
  X(virStoragePoolSetAutostart)      \
  X(virStoragePoolUndefine)          \
  X(virStorageVolCreateXML)          \
  X(virStorageVolCreateXMLFrom)      \
  X(virStorageVolDelete)             \
  X(virStorageVolDownload)           \
  X(virStorageVolFree)               \
  X(virStorageVolGetInfo)            \
  X(virStorageVolGetInfoFlags)       \
  X(virStorageVolGetName)            \
  X(virStorageVolGetPath)            \
  X(virStorageVolGetXMLDesc)         \
  X(virStorageVolLookupByName)       \
  X(virStorageVolResize)             \
  X(virStorageVolUpload)             \
  X(virStreamAbort)                  \
  X(virStreamEventAddCallback)       \
  X(virStreamEventRemoveCallback)    \
  X(virStreamEventUpdateCallback)    \
  X(virStreamFinish)                 \
  X(virStreamFree)                   \
  X(virStreamNew)                    \
  X(virStreamRecv)                   \
  X(virStreamSend)

/// The same of those that tell what happens.
#define ENVTOOL_LIBVIRT_EVENTS(X)       \
  X(virConnectDomainEventDeregisterAny) \
  X(virConnectDomainEventRegisterAny)

/// The library's functions under their own names.
struct Api {
#define ENVTOOL_MEMBER(name) decltype(&::name) name = nullptr;
  ENVTOOL_LIBVIRT_FUNCTIONS(ENVTOOL_MEMBER)
  ENVTOOL_LIBVIRT_EVENTS(ENVTOOL_MEMBER)
#undef ENVTOOL_MEMBER
};

/// The library, opened and initialised by the first call, which may come from any thread. Throws
/// Error(host_not_ready) naming the package when it is missing or too old.
const Api& api();

}  // namespace envtool::libvirt
