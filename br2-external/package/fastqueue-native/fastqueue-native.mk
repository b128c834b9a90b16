################################################################################
#
# fastqueue-native
#
################################################################################

FASTQUEUE_NATIVE_VERSION = 0.2.0
FASTQUEUE_NATIVE_SITE = $(BR2_EXTERNAL_FASTQUEUE_PATH)/../native
FASTQUEUE_NATIVE_SITE_METHOD = local
FASTQUEUE_NATIVE_LICENSE = MIT
FASTQUEUE_NATIVE_LICENSE_FILES = MIT.txt
FASTQUEUE_NATIVE_INSTALL_STAGING = YES
FASTQUEUE_NATIVE_DEPENDENCIES = libmnl libnetfilter_queue

# The packet source for Snort 2.9, where there is its libdaq.
ifeq ($(BR2_PACKAGE_DAQ),y)
FASTQUEUE_NATIVE_DEPENDENCIES += daq
FASTQUEUE_NATIVE_INSTALL_DAQ = install-daq
endif

# nfqueue-compat has functions of the C library by both their names, with and
# without 64: they are not to become one.
FASTQUEUE_NATIVE_CFLAGS = \
	$(filter-out -D_LARGEFILE% -D_FILE_OFFSET_BITS=64,$(TARGET_CFLAGS)) \
	-Wall -Wextra

# The ABI is the module's, whose source lies beside native/.
FASTQUEUE_NATIVE_MAKE_OPTS = \
	$(TARGET_CONFIGURE_OPTS) \
	CPPFLAGS="" \
	CFLAGS="$(FASTQUEUE_NATIVE_CFLAGS)" \
	uapi=$(BR2_EXTERNAL_FASTQUEUE_PATH)/../kmod/include/uapi

define FASTQUEUE_NATIVE_ADD_LICENSE
	cp $(BR2_EXTERNAL_FASTQUEUE_PATH)/../LICENSES/MIT.txt $(@D)
endef
FASTQUEUE_NATIVE_POST_RSYNC_HOOKS += FASTQUEUE_NATIVE_ADD_LICENSE

define FASTQUEUE_NATIVE_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(FASTQUEUE_NATIVE_MAKE_OPTS)
endef

define FASTQUEUE_NATIVE_INSTALL_STAGING_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(FASTQUEUE_NATIVE_MAKE_OPTS) \
		DESTDIR=$(STAGING_DIR) install-dev
endef

define FASTQUEUE_NATIVE_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) $(FASTQUEUE_NATIVE_MAKE_OPTS) \
		DESTDIR=$(TARGET_DIR) install $(FASTQUEUE_NATIVE_INSTALL_DAQ)
endef

$(eval $(generic-package))
