################################################################################
#
# fastqueue-kmod
#
################################################################################

FASTQUEUE_KMOD_VERSION = 0.2.0
FASTQUEUE_KMOD_SITE = $(BR2_EXTERNAL_FASTQUEUE_PATH)/../kmod
FASTQUEUE_KMOD_SITE_METHOD = local
FASTQUEUE_KMOD_LICENSE = GPL-2.0
FASTQUEUE_KMOD_LICENSE_FILES = GPL-2.0-only.txt
# The options are those of the kit's own build: messages name files below
# kmod/, so that the same source gives the same bytes in every folder, and the
# module lies where the kit's tasks replace it.
FASTQUEUE_KMOD_MODULE_MAKE_OPTS = \
	INSTALL_MOD_DIR=extra \
	KCFLAGS="-Werror -fmacro-prefix-map=$(@D)/=kmod/"

define FASTQUEUE_KMOD_ADD_LICENSE
	cp $(BR2_EXTERNAL_FASTQUEUE_PATH)/../LICENSES/GPL-2.0-only.txt $(@D)
endef
FASTQUEUE_KMOD_POST_RSYNC_HOOKS += FASTQUEUE_KMOD_ADD_LICENSE

$(eval $(kernel-module))
$(eval $(generic-package))
