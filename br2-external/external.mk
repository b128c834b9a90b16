include $(sort $(wildcard $(BR2_EXTERNAL_FASTQUEUE_PATH)/package/*/*.mk))
