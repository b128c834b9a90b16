################################################################################
#
# python-fastqueue
#
################################################################################

PYTHON_FASTQUEUE_VERSION = 0.2.0
PYTHON_FASTQUEUE_SITE = $(BR2_EXTERNAL_FASTQUEUE_PATH)/../pyhandler
PYTHON_FASTQUEUE_SITE_METHOD = local
PYTHON_FASTQUEUE_LICENSE = MIT
PYTHON_FASTQUEUE_LICENSE_FILES = MIT.txt
PYTHON_FASTQUEUE_SETUP_TYPE = setuptools

define PYTHON_FASTQUEUE_ADD_LICENSE
	cp $(BR2_EXTERNAL_FASTQUEUE_PATH)/../LICENSES/MIT.txt $(@D)
endef
PYTHON_FASTQUEUE_POST_RSYNC_HOOKS += PYTHON_FASTQUEUE_ADD_LICENSE

$(eval $(python-package))
